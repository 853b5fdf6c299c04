import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../src/core/bytes.ts';
import { FatFilesystem } from '../../src/core/fat/reader/filesystem.ts';
import { EntryType } from '../../src/core/layer/entry.ts';
import { walk } from '../../src/core/reading/walk.ts';
import { foldCase } from '../../src/core/fat/long-names.ts';
import { openImage } from '../../src/image/open-image.ts';
import type { ImageOptions } from '../../src/image/options.ts';
import { bytesOfImage } from '../helpers/image-case.ts';
import { readFat } from '../helpers/read-fat.ts';
import { scratch } from '../helpers/scratch.ts';
import { makeTar, type TarEntry } from '../helpers/tar-writer.ts';

const character = fc.constantFrom('a', 'A', 'b', '0', '~', '1', '.', ' ', '-', '+', 'é', 'ß', '😀', 'long name', '_');
const name = fc
  .array(character, { minLength: 1, maxLength: 12 })
  .map((characters) => characters.join(''))
  .filter((text) => !/[. ]$/.test(text) && Buffer.from(text).length < 190);
const path = fc.array(name, { minLength: 1, maxLength: 3 });
const size = fc.oneof(fc.constantFrom(0, 1, 511, 512, 2048, 2049), fc.nat(9000));
const options = fc.record<ImageOptions>({
  fatBits: fc.constantFrom(undefined, undefined, 16, 32),
  fatCompat: fc.constantFrom(undefined, 'includeos'),
  label: fc.constantFrom('', 'disk'),
});

const bytes = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + Math.floor(i / 250) + seed) & 0xff);

/** Entries of those names as far as FAT tells them apart, and what an image then has: a file's bytes by path, undefined for a directory. */
function treeOf(files: readonly { path: readonly string[]; size: number }[]) {
  const spelled = new Map<string, string>();
  const held = new Map<string, Uint8Array | undefined>();
  const entries: TarEntry[] = [];
  for (const [i, file] of files.entries()) {
    const parents = file.path.slice(0, -1).map((_, depth) => file.path.slice(0, depth + 1).join('/'));
    const whole = file.path.join('/');
    const isFree = parents.every(
      (each) => (spelled.get(foldCase(each)) ?? each) === each && held.get(each) === undefined,
    );
    if (!isFree || spelled.has(foldCase(whole))) continue;
    for (const each of [...parents, whole]) spelled.set(foldCase(each), each);
    for (const each of parents) held.set(each, undefined);
    held.set(whole, bytes(file.size, i));
    entries.push({ name: Buffer.from(whole).toString('latin1'), data: bytes(file.size, i) });
  }
  return { entries, held };
}

/** What the reader finds, by path as `held` has it. */
function readTree(filesystem: FatFilesystem): Map<string, Uint8Array | undefined> {
  const found = new Map<string, Uint8Array | undefined>();
  for (const { path: byPath, inode } of walk(filesystem, filesystem.root)) {
    if (byPath === '') continue;
    const data = inode.type === EntryType.file ? new Uint8Array(inode.size) : undefined;
    if (data !== undefined) filesystem.readFile(inode, 0, data);
    found.set(Buffer.from(bytesOf(byPath)).toString(), data);
  }
  return found;
}

const sorted = (files: ReadonlyMap<string, Uint8Array | undefined>) =>
  Array.from(files, ([each, data]) => [each, data && Buffer.from(data).toString('hex')]).sort(([a], [b]) =>
    a! < b! ? -1 : 1,
  );

describe('a FAT image', () => {
  it('holds what was put into it, by the rules', async () => {
    const folder = scratch();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ path, size }), { maxLength: 60 }), options, async (files, given) => {
        const { entries, held } = treeOf(files);
        const tar = join(folder, 'layer.tar');
        writeFileSync(tar, makeTar(entries));
        const image = await openImage({ ...given, layers: [tar], fs: 'vfat', cache: false });
        const found = readFat(bytesOfImage(image));
        const read = readTree(new FatFilesystem(image));
        image.close();
        expect(sorted(read)).toEqual(sorted(held));
        expect(found.bits).toBe(given.fatBits ?? 12);
        expect(found.label).toBe(given.label!.toUpperCase());
        expect(sorted(found.files)).toEqual(sorted(held));
        // A name of a directory, the label's aside, or a dot's.
        const names = found.entries.filter(({ attributes }) => given.fatCompat === 'includeos' && attributes !== 0x08);
        const straddling = names.filter(({ first, last }) => Math.floor(first / 512) !== Math.floor(last / 512));
        expect(straddling).toEqual([]);
        expect(names.filter(({ isLong }) => isLong)).toHaveLength(names.length === 0 ? 0 : held.size);
        expect(found.hasEnds || given.fatCompat === undefined).toBe(true);
        expect(found.isFirstClusterUsed && given.fatCompat === 'includeos' && found.bits !== 32).toBe(false);
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});
