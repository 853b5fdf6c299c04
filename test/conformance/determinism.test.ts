import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utf8ByteString } from '../../src/core/bytes.ts';
import { blockloom, output, startBlockloom } from '../helpers/cli.ts';
import { scratch } from '../helpers/scratch.ts';
import { concat, makeTar, type TarEntry } from '../helpers/tar-writer.ts';
import { requireTools, run, skipped } from '../helpers/tools.ts';

/** Locales sort and fold these each in a way of its own, Turkish the dotted and the dotless i. */
const NAMES = ['I', 'i', '\u0130', '\u0131', 'z', 'Z', 'a', '\u00e4', 'a\u0308', '10', '9', '\u{1f9f6}', '-', '_'];

const BASE: readonly TarEntry[] = [
  { name: './', mtime: 1_700_000_000 },
  ...NAMES.map((name) => ({ name: `etc/${utf8ByteString(name)}`, data: name, mtime: '1711853999.123456789' })),
  { name: 'etc/\xff\xfe', data: 'no UTF-8', xattrs: { 'user.b': 'b\0', 'user.I': 'i', 'user.\xff': '' } },
  { name: 'large', data: noise(3_000_000) },
  { name: 'link', type: 'symlink', linkName: 'etc' },
  { name: 'null', type: 'character', deviceMajor: 1, deviceMinor: 3, mode: 0o666 },
  { name: 'many/' },
  ...Array.from({ length: 600 }, (_, i) => ({ name: `many/${i * 7919}`, uid: i, gid: 2 ** 31 + i })),
];
const UPPER: readonly TarEntry[] = [
  { name: 'link/added', data: noise(10_000), mtime: -1 },
  { name: 'etc/.wh.z' },
  { name: 'many/hard', type: 'hardlink', linkName: 'large' },
  { name: 'holes', data: 'end', sparse: { form: '1.0', size: 1e9, segments: [{ offset: 1e9 - 3, length: 3 }] } },
];

function noise(length: number): Uint8Array {
  const parts = Array.from({ length: Math.ceil(length / 32) }, (_, i) => createHash('sha256').update(`${i}`).digest());
  return concat(parts).subarray(0, length);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let folder = '';
let expected = '';
const LAYERS = ['base.tar', 'upper.tar'] as const;
/** A time of the layers and one of the command line go in, so that a zone would show. */
const KEEP = ['--mtime', 'keep'] as const;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'blockloom-test-'));
  writeFileSync(join(folder, 'base.tar'), makeTar(BASE));
  writeFileSync(join(folder, 'upper.tar'), makeTar(UPPER));
  expected = output(['hash', ...KEEP, ...LAYERS], { cwd: folder });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A `node` that first does what `commands` say. */
function nodeAfter(commands: string): string {
  const path = join(scratch(), 'node');
  writeFileSync(path, `#!/bin/sh\n${commands}\nexec '${process.execPath}' "$@"\n`, { mode: 0o755 });
  return path;
}

/** Builds the two layers and returns the digest of the file, which is also the one that was printed. */
function build(args: readonly string[] = [], options: { node?: string; env?: Record<string, string> } = {}): string {
  const path = join(scratch(), 'image');
  const printed = output(['build', ...KEEP, ...args, ...LAYERS, '-o', path], { cwd: folder, ...options });
  const digest = sha256(readFileSync(path));
  expect(printed).toBe(`${digest}  ${path}`);
  return digest;
}

describe('an image is the same', () => {
  it('but for other options', () => {
    expect(expected).toMatch(/^[0-9a-f]{64}$/);
    expect(build(['--label', 'other'])).not.toBe(expected);
    expect(output(['hash', ...LAYERS], { cwd: folder })).not.toBe(expected);
  });

  it.each([
    ['a time zone', { TZ: 'Pacific/Kiritimati' }],
    ['another', { TZ: 'America/St_Johns', SOURCE_DATE_EPOCH: '' }],
    ['a language', { LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', LANGUAGE: 'tr' }],
    ['no language and no home', { LANG: 'C', LC_ALL: 'C', HOME: '/nonexistent', USER: 'nobody', COLUMNS: '20' }],
  ])('in the environment of %s', (_, env) => {
    const date = ['hash', '--mtime', '2026-03-29', '--json', ...LAYERS];
    expect(build([], { env })).toBe(expected);
    expect(output(date, { cwd: folder, env })).toBe(output(date, { cwd: folder }));
  });

  it.each(['000', '077'])('under umask %s', (mask) => {
    expect(build(['--no-cache'], { node: nodeAfter(`umask ${mask}`) })).toBe(expected);
  });

  it.each(['1', '2', '8'])('with -j %s', (jobs) => {
    expect(build(['-j', jobs, '--no-cache'])).toBe(expected);
  });

  it('from another folder', () => {
    const cwd = scratch();
    const layers = LAYERS.map((name) => relative(cwd, join(folder, name)));
    symlinkSync(layers[0] ?? '', join(cwd, 'symlink'));
    expect(output(['hash', ...KEEP, 'symlink', layers[1] ?? ''], { cwd })).toBe(expected);
  });

  it('with every command and sink', () => {
    const { status, stdout, stderr } = blockloom(['build', ...KEEP, ...LAYERS, '-o', '-'], { cwd: folder });
    expect([status, sha256(Buffer.from(stdout, 'latin1')), stderr]).toEqual([0, expected, `${expected}  -\n`]);
    writeFileSync(join(folder, 'image'), Buffer.from(stdout, 'latin1'));
    expect(output(['verify', 'image', ...KEEP, ...LAYERS], { cwd: folder })).toBe(`same ${expected}`);
  });

  for (const major of [22, 24]) {
    const packages = join(import.meta.dirname, `../../node_modules/.cache/node-${major}/node_modules`);
    const node = join(packages, `node-linux-${process.arch}`, 'bin/node');
    it.skipIf(skipped(!existsSync(node), `Node ${major} is not there`))(`with Node ${major}`, () => {
      expect(run(node, ['--version']).toString()).toMatch(`v${major}.`);
      expect(build(['--no-cache'], { node })).toBe(expected);
    });
  }
});

describe.skipIf(!requireTools('xz', 'zstd'))('an image of compressed layers is the same', () => {
  const COMPRESSORS: readonly (readonly [string, (tar: Uint8Array) => Uint8Array])[] = [
    ['plain', (tar) => tar],
    ['gzip', gzipSync],
    ['gzip in members', (tar) => concat([gzipSync(tar.subarray(0, 70_001)), gzipSync(tar.subarray(70_001))])],
    ['xz', (input) => run('xz', ['-1', '-c'], { input })],
    ['zstd', (input) => run('zstd', ['-q', '-c'], { input })],
    ['zstd with a window and no checksum', (input) => run('zstd', ['-q', '-c', '--long=20', '--no-check'], { input })],
  ];

  it.each(COMPRESSORS)('%s, from a file and standard input', (_, compress) => {
    const input = compress(readFileSync(join(folder, 'base.tar')));
    // The name says nothing.
    const layer = join(scratch(), 'layer.tar');
    writeFileSync(layer, input);
    const command = ['hash', ...KEEP];
    expect(output([...command, layer, 'upper.tar'], { cwd: folder })).toBe(expected);
    expect(output([...command, '-', 'upper.tar'], { cwd: folder, input })).toBe(expected);
  });

  it('with a fresh cache, a warm one, a damaged one and none', () => {
    const cwd = scratch();
    writeFileSync(join(cwd, 'base'), gzipSync(makeTar(BASE)));
    writeFileSync(join(cwd, 'upper'), run('zstd', ['-c'], { input: makeTar(UPPER) }));
    const hash = (...args: string[]): string => output(['hash', ...KEEP, ...args, 'base', 'upper'], { cwd });
    expect(hash('--cache', 'kept')).toBe(expected);
    expect(hash('--cache', 'kept')).toBe(expected);
    const blobs = join(cwd, 'kept/blobs/sha256');
    expect(readdirSync(blobs)).toHaveLength(2);
    for (const name of readdirSync(blobs)) {
      const bytes = readFileSync(join(blobs, name));
      bytes.fill(0x55, 600, 700);
      rmSync(join(blobs, name));
      writeFileSync(join(blobs, name), bytes);
    }
    expect(hash('--cache', 'kept')).toBe(expected);
    expect(hash('--no-cache')).toBe(expected);
    expect(readdirSync(cwd).toSorted()).toEqual(['base', 'kept', 'upper']);
  });

  it('by three at once with one cache', async () => {
    const cwd = scratch();
    writeFileSync(join(cwd, 'base'), run('xz', ['-0', '-c'], { input: makeTar(BASE) }));
    writeFileSync(join(cwd, 'upper'), gzipSync(makeTar(UPPER)));
    const digests = await Promise.all(
      ['one', 'two', 'three'].map(async (name) => {
        const child = startBlockloom(['build', ...KEEP, '--cache', 'kept', 'base', 'upper', '-o', name], { cwd });
        let printed = '';
        for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (printed += String(chunk)));
        expect(await once(child, 'close')).toEqual([0, null]);
        expect(printed).toBe(`${expected}  ${name}\n`);
        return sha256(readFileSync(join(cwd, name)));
      }),
    );
    expect(digests).toEqual([expected, expected, expected]);
    expect(readdirSync(join(cwd, 'kept/staging'))).toEqual([]);
    expect(readdirSync(join(cwd, 'kept/blobs/sha256'))).toHaveLength(2);
  });
});

describe('an image of a directory is the same', () => {
  const FILES = [...NAMES, 'd/x', 'd/y', 'e/f/g'];

  /** A directory whose names are made in an order, with modes that differ but by what only a host says. */
  function makeDirectory(files: readonly string[], mode: number): string {
    const directory = scratch();
    for (const file of files) {
      mkdirSync(join(directory, file, '..'), { recursive: true });
      writeFileSync(join(directory, file), `content of ${file}`);
      chmodSync(join(directory, file), mode);
    }
    linkSync(join(directory, files.at(0) ?? ''), join(directory, 'hard'));
    symlinkSync('d/x', join(directory, 'symlink'));
    return directory;
  }

  it('in whatever order, at whatever time and by whomever it was made', () => {
    const first = makeDirectory(['I', ...FILES.filter((file) => file !== 'I')], 0o644);
    const second = makeDirectory(['I', ...FILES.filter((file) => file !== 'I').toReversed()], 0o600);
    const digest = output(['hash', first], { cwd: folder });
    expect(output(['hash', `dir:${second}`], { cwd: folder })).toBe(digest);
    for (const file of [...FILES, 'symlink', 'd', '.']) lutimesSync(join(first, file), 1, 2);
    expect(output(['hash', '.'], { cwd: first, env: { XDG_CACHE_HOME: scratch() } })).toBe(digest);
    expect(output(['hash', '-j', '8', first], { cwd: folder, env: { LC_ALL: 'tr_TR.UTF-8' } })).toBe(digest);
    expect(output(['hash', first], { cwd: folder, node: nodeAfter('umask 077') })).toBe(digest);
    chmodSync(join(first, 'z'), 0o755);
    expect(output(['hash', first], { cwd: folder })).not.toBe(digest);
  });
});
