import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { blockloom, MAIN, output, writeLayers } from '../../helpers/cli.ts';
import { scratch } from '../../helpers/scratch.ts';
import { LIMIT, run, skipped } from '../../helpers/tools.ts';

let cwd: string;
let layers: readonly string[];
beforeEach(() => {
  cwd = scratch();
  layers = writeLayers(cwd);
});

const build = (...args: string[]) => blockloom(['build', ...layers, ...args], { cwd });
const sha256 = (file: string): string =>
  createHash('sha256')
    .update(readFileSync(join(cwd, file)))
    .digest('hex');

describe('build', () => {
  it('writes the image and prints its digest as sha256sum does', () => {
    expect(build('-o', 'disk.img')).toEqual({ status: 0, stdout: `${sha256('disk.img')}  disk.img\n`, stderr: '' });
    const { size, blocks } = statSync(join(cwd, 'disk.img'));
    expect(size % (1 << 20)).toBe(0);
    expect(blocks * 512).toBeLessThan(size / 2);
    // Layers that are two seconds old are indexed in the cache.
    const names = readdirSync(cwd).filter((name) => name !== '.cache');
    expect(names.toSorted()).toEqual(['app.tar', 'base.tar', 'disk.img']);
  });

  it('writes the same bytes to standard output, and its result to stderr', () => {
    build('-o', 'disk.img');
    const { stdout, stderr } = build('-o', '-');
    expect(Buffer.compare(Buffer.from(stdout, 'latin1'), readFileSync(join(cwd, 'disk.img')))).toBe(0);
    expect(stderr).toBe(`${sha256('disk.img')}  -\n`);
  });

  it('takes an image to share blocks with, which must be there and be of use', () => {
    const plain = build('-o', 'disk.img').stdout.replace('disk', 'new');
    expect(build('-o', 'new.img', '--reuse', 'disk.img').stdout.startsWith(plain)).toBe(true);
    expect(build('-o', 'new.img', '--force', '--reuse', 'new.img', '--reflink', 'never').stdout).toBe(plain);
    const refusals = [
      [['--reuse', 'none.img'], 3, 'cannot read none.img: no such file or directory'],
      [['--reuse', '.'], 3, '. is no regular file: nothing can be shared'],
      [['--reuse', 'new.img', '-o', '-'], 2, 'standard output shares no blocks: --reuse needs a file'],
      [['--reflink', 'always'], 2, '--reflink is about --reuse, which is missing'],
    ] as const;
    for (const [args, expected, message] of refusals) {
      const { status, stderr } = build('-o', 'other.img', ...args);
      expect([status, stderr]).toEqual([expected, `blockloom: ${message}\n`]);
    }
  });

  it('ends quietly when nobody reads its output any more', () => {
    const command = `"$0" "$1" build base.tar -o - --size 64M | head -c 100000 > head; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', command, process.execPath, MAIN], { ...LIMIT, cwd });
    expect(stderr.toString()).toBe('');
    expect(stdout.toString()).toBe('1\n');
    expect(statSync(join(cwd, 'head')).size).toBe(100_000);
  });

  it('says in one line that standard output is full', () => {
    const command = `"$0" "$1" build base.tar -o - > /dev/full`;
    const { status, stderr } = spawnSync('bash', ['-c', command, process.execPath, MAIN], { ...LIMIT, cwd });
    expect(stderr.toString()).toBe('blockloom: cannot write the output: no space left on device\n');
    expect(status).toBe(1);
  });

  it('refuses a file that exists before it opens a layer, and replaces it when forced', () => {
    writeFileSync(join(cwd, 'disk.img'), 'mine');
    const { status, stderr } = blockloom(['build', 'missing.tar', '-o', 'disk.img'], { cwd });
    expect(stderr).toBe('blockloom: disk.img exists; --force replaces it\n');
    expect(status).toBe(1);
    expect(readFileSync(join(cwd, 'disk.img'), 'utf8')).toBe('mine');
    expect(build('-o', 'disk.img', '--force').stdout).toBe(`${sha256('disk.img')}  disk.img\n`);
  });

  it('never replaces a layer that it reads', () => {
    const before = readFileSync(join(cwd, 'app.tar'));
    symlinkSync('app.tar', join(cwd, 'other-name'));
    for (const path of ['app.tar', 'other-name']) {
      const { status, stderr } = build('-o', path, '--force');
      expect({ status, stderr }).toEqual({ status: 2, stderr: `blockloom: ${path} is read from, as app.tar\n` });
    }
    expect(readFileSync(join(cwd, 'app.tar'))).toEqual(before);
  });

  it('refuses places where no file can go', () => {
    mkdirSync(join(cwd, 'folder'));
    symlinkSync('nowhere', join(cwd, 'dangling'));
    expect(build('-o', 'folder', '--force').stderr).toMatch(/^blockloom: folder is a directory; .*\n$/);
    expect(build('-o', '/dev/null', '--force').stderr).toMatch(/^blockloom: \/dev\/null is not a regular file; .*\n$/);
    expect(build('-o', 'no/disk.img').stderr).toBe('blockloom: cannot write no/disk.img: no such file or directory\n');
    expect(build('-o', 'dangling').stderr).toBe('blockloom: cannot write dangling: no such file or directory\n');
    expect(build('-o', 'no/disk.img').status).toBe(1);
    const names = readdirSync(cwd).filter((name) => name !== '.cache');
    expect(names.toSorted()).toEqual(['app.tar', 'base.tar', 'dangling', 'folder']);
  });

  it.skipIf(skipped(process.getuid?.() !== 0, 'a full disk needs root'))('leaves nothing on a full disk', () => {
    const full = join(cwd, 'full');
    mkdirSync(full);
    run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', full]);
    onTestFinished(() => void run('umount', [full]));
    const { status, stderr } = build('-o', 'full/disk.img');
    expect(stderr).toBe('blockloom: cannot write full/disk.img: no space left on device\n');
    expect(status).toBe(1);
    expect(readdirSync(full)).toEqual([]);
  });

  it('writes the digest and what it made to files', () => {
    const digest = build('-o', 'disk.img', '--digest-file', 'digest', '--metadata-file', 'made.json').stdout.slice(
      0,
      64,
    );
    expect(readFileSync(join(cwd, 'digest'), 'utf8')).toBe(`sha256:${digest}\n`);
    const made = JSON.parse(readFileSync(join(cwd, 'made.json'), 'utf8')) as Record<string, unknown>;
    expect(made).toMatchObject({
      file: 'disk.img',
      sha256: digest,
      size: statSync(join(cwd, 'disk.img')).size,
      formatVersion: 1,
      blockSize: 4096,
      layers: [
        { reference: 'base.tar', entries: 11 },
        { reference: 'app.tar', entries: 3 },
      ],
    });
    expect(made['uuid']).toMatch(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    expect(JSON.parse(build('-o', 'disk.img', '--force', '--json').stdout)).toEqual(made);
  });

  it('says which of those files cannot be written', () => {
    const { status, stderr } = build('-o', 'disk.img', '--digest-file', 'no/digest');
    expect(stderr).toBe('blockloom: cannot write no/digest: no such file or directory\n');
    expect(status).toBe(1);
  });

  it('has the size that is asked for, or says what it needs', () => {
    build('-o', 'disk.img', '--size', '3M');
    expect(statSync(join(cwd, 'disk.img')).size).toBe(3 << 20);
    const { status, stderr } = build('-o', 'small.img', '--size', '64K');
    expect(stderr).toMatch(/^blockloom: the content needs \d+ bytes, the image has 65536\n$/);
    expect(status).toBe(1);
    const needed = Number(/needs (\d+)/.exec(stderr)?.[1]);
    expect(build('-o', 'small.img', '--size', String(needed)).status).toBe(0);
  });

  it('leaves room that is asked for', () => {
    const free = (...args: string[]): number => {
      const { blocks, blocksUsed } = JSON.parse(output(['measure', ...layers, '--json', ...args], { cwd })) as {
        blocks: number;
        blocksUsed: number;
      };
      return (blocks - blocksUsed) * 4096;
    };
    expect(free('--free', '64M')).toBeGreaterThanOrEqual(64 << 20);
    expect(free('--free', '400%')).toBeGreaterThan(free());
  });
});
