import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readModuleIndex } from '../../../src/core/guest/module-index.ts';
import { readModules } from '../../../src/guest/module-files.ts';
import { makeElf } from '../../helpers/elf-sections.ts';
import { memoryTree } from '../../helpers/memory-tree.ts';
import { isThere, skipped } from '../../helpers/tools.ts';
import { zstdFrame } from '../../helpers/zstd-writer.ts';

const MODULE = makeElf({ '.modinfo': 'depends=\0' });

async function read(name: string, file: Uint8Array): Promise<Buffer[]> {
  const tree = memoryTree({ 'm/modules.dep': `${name}:`, [`m/${name}`]: file });
  const modules = await readModules({ tree, path: 'm', index: readModuleIndex(tree, 'm') }, ['a']);
  return modules.map(({ bytes }) => Buffer.from(bytes));
}

describe('a module', () => {
  it.each([
    ['a.ko', MODULE],
    ['a.ko.gz', gzipSync(MODULE)],
    ['a.ko.zst', zstdFrame(MODULE)],
  ] as const)('%s is read as it was before it was compressed', async (name, file) => {
    expect(await read(name, file)).toEqual([MODULE]);
  });

  it.skipIf(skipped(!isThere('xz', ['--version']), 'xz is missing'))('a.ko.xz is read so too', async () => {
    const file = execFileSync('xz', ['--check=crc32', '--stdout'], { input: MODULE });
    expect(await read('a.ko.xz', file)).toEqual([MODULE]);
  });

  it.each([
    ['is cut off', gzipSync(MODULE).subarray(0, 40)],
    ['is another file', gzipSync('hello')],
    ['has nothing in it', new Uint8Array(0)],
  ])('that %s is refused by its name', async (_, file) => {
    await expect(read('a.ko.gz', file)).rejects.toThrow('a.ko.gz');
  });
});
