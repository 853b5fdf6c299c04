import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type CliResult, blockloom, writeLayers } from '../../helpers/cli.ts';
import { sharedScratch } from '../../helpers/scratch.ts';
import { makeTar } from '../../helpers/tar-writer.ts';

const cwd = sharedScratch();
const [base] = writeLayers(cwd);

function layer(name: string, bytes: Uint8Array): string {
  writeFileSync(join(cwd, name), bytes);
  return name;
}

const hash = (...args: string[]): CliResult => blockloom(['hash', ...args], { cwd });

/** That status, nothing on stdout, and one line that matches on stderr. */
function expectFailure({ status, stdout, stderr }: CliResult, expected: number, line: RegExp): void {
  expect([status, stdout]).toEqual([expected, '']);
  expect(stderr).toMatch(/^blockloom: [^\n]+\n$/);
  expect(stderr).toMatch(line);
}

describe('a call to the system that fails', () => {
  it('is told in one line, and is no mistake of the program', () => {
    const pidFile = ['--pid-file', 'no-such-folder/pid'];
    expectFailure(blockloom(['serve', base, '--run', 'true', ...pidFile], { cwd }), 1, /no-such-folder/);
  });
});

describe('exit status 2, wrong usage', () => {
  it('is that of commands, options and arguments that are not known', () => {
    for (const args of [['no-such-command'], ['hash', base, '--no-such'], ['build', base], ['verify']]) {
      const { status, stdout, stderr } = blockloom(args, { cwd });
      expect([args, status, stdout]).toEqual([args, 2, '']);
      expect(stderr).toMatch(/^error: [^\n]+\n(\(Did you mean [^\n]+\)\n)?\(blockloom help shows how\)\n$/);
    }
  });

  it('is that of an image without layers, or with two sets of them', () => {
    expectFailure(blockloom(['hash'], { cwd }), 2, /layers are missing: name them, or with -f a definition/);
    expectFailure(blockloom(['verify', 'x'], { cwd }), 2, /layers are missing/);
    expectFailure(hash(base, '-f', 'image.yaml'), 2, /a layer beside -f image\.yaml/);
  });

  it('is that of values that make no image', () => {
    expectFailure(hash(base, '--size', '4097'), 2, /4097/);
    expectFailure(hash(base, '--label', 'seventeen letters'), 2, /17 bytes: at most 16/);
    expectFailure(hash(base, '--format-version', '2'), 2, /format version 2/);
    expectFailure(hash(base, '--owner', '4294967295:0'), 2, /4294967295/);
    expectFailure(hash('-', '-'), 2, /standard input/);
    expectFailure(hash('ftp:layout'), 2, /ftp:/);
  });
});

describe('exit status 3, the input', () => {
  it('is that of a layer that is not there or cannot be read', () => {
    expectFailure(hash(base, 'none.tar'), 3, /layer 1 \(none\.tar\): no such file or directory/);
    expectFailure(hash('dir:none'), 3, /no such file or directory/);
    expectFailure(hash(layer('text', Buffer.from('hello\n'.repeat(1000)))), 3, /layer 0 \(text\)/);
    expectFailure(hash('-'), 3, /layer 0 \(-\)/);
  });

  it('is that of a layer that is damaged', () => {
    const tar = makeTar([{ name: 'a', data: 'a'.repeat(2000) }]);
    const broken = makeTar([{ name: 'a' }, { name: 'b', damage: (header) => header.fill(0x7a, 0, 1) }]);
    expectFailure(hash(layer('cut.tar', tar.subarray(0, 1024))), 3, /layer 0 \(cut\.tar\), entry a, header at 0x0/);
    expectFailure(hash(layer('cut.tar.gz', gzipSync(tar).subarray(0, 60))), 3, /layer 0 \(cut\.tar\.gz\)/);
    expectFailure(hash(layer('broken.tar', broken)), 3, /header at 0x200: checksum/);
  });

  it('is that of a layer that means nothing, found while merging', () => {
    const link = layer('link.tar', makeTar([{ name: 'a', type: 'hardlink', linkName: 'b' }]));
    const escape = layer('escape.tar', makeTar([{ name: '../a' }]));
    expectFailure(hash(base, link), 3, /layer 1 \(link\.tar\), entry a, header at 0x0: .*b/);
    expectFailure(hash(escape), 3, /leaves the root/);
  });

  it('shows no control character of a name', () => {
    const evil = layer('evil.tar', makeTar([{ name: 'a\x1b[31m\nb', type: 'hardlink', linkName: '\x07c' }]));
    expectFailure(hash(evil), 3, /a\\x1b\[31m\\x0ab/);
  });
});

describe('--debug', () => {
  it('adds where an error came from', () => {
    const { status, stderr } = blockloom(['--debug', 'hash', 'none.tar'], { cwd });
    expect(status).toBe(3);
    expect(stderr).toMatch(/^blockloom: layer 0 \(none\.tar\): no such file or directory\n.*\n? +at /);
  });
});
