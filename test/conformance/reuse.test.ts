import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { output, startBlockloom } from '../helpers/cli.ts';
import { scratch, sharedScratch } from '../helpers/scratch.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { e2fsck, requireTools, run, skipped } from '../helpers/tools.ts';

const MIB = 2 ** 20;
const CLONING = { xfs: ['mkfs.xfs', '-q', '-m', 'reflink=1'], btrfs: ['mkfs.btrfs', '-q'] } as const;

const areTools = requireTools('root', 'mkfs.xfs', 'mkfs.btrfs', 'filefrag', 'e2fsck');

function hasKernel(type: string): boolean {
  spawnSync('modprobe', [type]);
  return readFileSync('/proc/filesystems', 'utf8').split(/\s+/).includes(type);
}

/** A new filesystem that is mounted until the test ends. */
function mounted(type: keyof typeof CLONING): string {
  const folder = scratch();
  const [image, directory] = [join(folder, 'disk'), join(folder, 'mounted')];
  writeFileSync(image, '');
  truncateSync(image, 512 * MIB);
  const [program, ...options] = CLONING[type];
  run(program, [...options, image]);
  mkdirSync(directory);
  run('mount', ['-o', 'loop', image, directory]);
  onTestFinished(() => void run('umount', [directory]));
  return directory;
}

/** How much of a file is in extents that other files have, too; in bytes. */
function sharedBytes(path: string): number {
  const lines = run('filefrag', ['-v', '-b4096', path]).toString().split('\n');
  return lines
    .filter((line) => /\bshared\b/.test(line))
    .reduce((sum, line) => sum + Number(line.split(':')[3]) * 4096, 0);
}

const used = (directory: string): number => {
  run('sync', ['-f', directory]);
  const { bsize, blocks, bfree } = statfsSync(directory);
  return bsize * (blocks - bfree);
};

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

let layers: string;
const shared = areTools ? sharedScratch() : '';
beforeAll(() => {
  if (!areTools) return;
  layers = shared;
  const files = Array.from({ length: 200 }, (_, i) => ({
    name: `file-${i}`,
    data: Buffer.alloc(200_000, `content of ${i} `),
  }));
  writeFileSync(join(layers, 'base.tar'), makeTar(files));
  writeFileSync(join(layers, 'app.tar'), makeTar([{ name: 'app', data: 'one' }]));
  writeFileSync(join(layers, 'app-2.tar'), makeTar([{ name: 'app', data: Buffer.alloc(MIB, 'two') }]));
});

for (const type of Object.keys(CLONING) as (keyof typeof CLONING)[]) {
  const isPossible = areTools && !skipped(!hasKernel(type), `this kernel has no ${type}`);
  describe.skipIf(!isPossible)(`build --reuse on ${type}`, () => {
    const build = (app: string, ...args: string[]): string =>
      output(['build', 'base.tar', `${app}.tar`, '--no-cache', ...args], { cwd: layers });

    it('shares what is the same, and gives the bytes that it gives without', () => {
      const folder = mounted(type);
      const [old, plain, image] = ['old', 'plain', 'image'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      build('app', '-o', old);
      const digest = sha256(old);
      const before = used(folder);
      const report = build('app-2', '-o', image, '--reuse', old, '--reflink', 'always', '--json');
      expect(used(folder) - before).toBeLessThan(4 * MIB);
      const { reused } = JSON.parse(report) as { reused: { kept: number; written: number } };
      expect(reused.kept).toBeGreaterThan(38 * MIB);
      expect(reused.written).toBeLessThan(2 * MIB);
      // What is shared ends at extents, which hold what was written before.
      expect(sharedBytes(image)).toBeGreaterThanOrEqual(reused.kept);
      expect(sha256(old)).toBe(digest);
      build('app-2', '-o', plain);
      expect(sha256(image)).toBe(sha256(plain));
      expect(statSync(image).mode).toBe(statSync(plain).mode);
      e2fsck(image);
    });

    it('replaces the file that it reuses, grown or shrunk', () => {
      const folder = mounted(type);
      const image = join(folder, 'image');
      const reusing = ['-o', image, '--force', '--reuse', image, '--reflink', 'always'];
      build('app', '-o', image);
      build('app-2', ...reusing, '--size', '300M');
      expect(statSync(image).size).toBe(300 * MIB);
      e2fsck(image);
      build('app', ...reusing);
      const again = sha256(image);
      build('app', '-o', image, '--force');
      expect(sha256(image)).toBe(again);
      expect(readdirSync(folder)).toEqual(['image']);
    });

    it('leaves the old file and nothing else when it is ended', async () => {
      const folder = mounted(type);
      const image = join(folder, 'image');
      build('app', '-o', image);
      const digest = sha256(image);
      const options = ['--no-cache', '--force', '--reuse', image, '--free', '1T', '-o', image];
      const child = startBlockloom(['build', 'base.tar', ...options], { cwd: layers });
      const ended = once(child, 'exit');
      while (readdirSync(folder).length < 2 && child.exitCode === null) await setTimeout(10);
      child.kill('SIGTERM');
      expect(await ended).toEqual([143, null]);
      expect(sha256(image)).toBe(digest);
      expect(readdirSync(folder)).toEqual(['image']);
    });
  });
}
