import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { ImageError } from '../../src/core/errors.ts';
import { comparePaths } from '../../src/compare-images.ts';
import { Filesystem } from '../../src/core/ext4/reader/filesystem.ts';
import { openImageFile } from '../../src/image/file-image.ts';
import { openImage } from '../../src/image/open-image.ts';
import { writeImage } from '../../src/sinks/file-sink.ts';
import { differences } from '../helpers/model-differences.ts';
import { withMounted } from '../helpers/mounted-tree.ts';
import { meaning, randomStack, type RandomStack } from '../helpers/random-stack.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { isThere, run, skipped } from '../helpers/tools.ts';

/** BLOCKLOOM_STACKS=2000 BLOCKLOOM_SEED=7 for a longer look. */
const RUNS = Number(process.env['BLOCKLOOM_STACKS'] ?? 80);
const SEED = Number(process.env['BLOCKLOOM_SEED'] ?? 20100101);

const cannotMount = process.getuid?.() !== 0 || !isThere('losetup', ['--find']);

describe.skipIf(skipped(cannotMount, 'mounting needs root and a loop device'))('random stacks of layers', () => {
  it(
    'are what an independent reading of their layers says, as the kernel shows them',
    async () => {
      await fc.assert(fc.asyncProperty(randomStack, check), { numRuns: RUNS, seed: SEED, endOnFailure: RUNS > 1000 });
    },
    60_000 + RUNS * 2000,
  );
});

async function check(stack: RandomStack): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'blockloom-stack-'));
  try {
    await checkIn(directory, stack);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function checkIn(directory: string, stack: RandomStack): Promise<void> {
  const layers = stack.layers.map((entries, i) => {
    const path = join(directory, `${i}.tar`);
    const tar = makeTar(entries);
    writeFileSync(path, i % 3 === 2 ? gzipSync(tar) : tar);
    return path;
  });
  const expected = meaning(stack);
  const path = join(directory, 'image');
  try {
    await build(layers, stack, path);
  } catch (error) {
    if (error instanceof ImageError && expected === undefined) return;
    throw error;
  }
  if (expected === undefined) throw new Error('built what means nothing');
  run('e2fsck', ['-fn', path]);
  withMounted(path, (mounted) => {
    const found = differences(expected, mounted, stack.blockSize);
    if (found.length > 0) throw new Error(found.join('\n'));
  });
  if (stack.blockSize === 4096) await checkVerity(layers, stack, path);
}

/** The same image whose files all have fs-verity is sound too, and holds the same. Kernels without CONFIG_FS_VERITY would not open its files. */
async function checkVerity(layers: string[], stack: RandomStack, path: string): Promise<void> {
  const other = `${path}.verity`;
  try {
    await build(layers, stack, other, ['/']);
  } catch (error) {
    if (error instanceof ImageError && error.code === 'path-not-found') return;
    throw error;
  }
  run('e2fsck', ['-fn', other]);
  const images = [path, other].map((each) => openImageFile(each));
  try {
    const [plain, verity] = images.map((image) => new Filesystem(image));
    const { added, removed, changed } = await comparePaths(plain!, verity!);
    if (added + removed + changed > 0) throw new Error(`${added} + ${removed} + ${changed} differences with fs-verity`);
  } finally {
    for (const image of images) image.close();
  }
}

async function build(layers: string[], stack: RandomStack, path: string, fsverity: string[] = []): Promise<void> {
  const { blockSize, placement, symlinkedParents, kind } = stack;
  const options = { ...kind, blockSize, placement, symlinkedParents, fsverity };
  const image = await openImage({ ...options, layers, mtime: 'keep', cache: false });
  try {
    await writeImage(image, path);
  } finally {
    image.close();
  }
}
