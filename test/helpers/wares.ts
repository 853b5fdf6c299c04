import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LayerIndex, LayerIndexBuilder } from '../../src/core/layer/layer-index.ts';
import { readTar } from '../../src/core/tar/reader.ts';
import { type Filters, LOSSLESS } from '../../src/core/ware/filters.ts';
import type { PackType } from '../../src/core/ware/ware-id.ts';
import { packWare } from '../../src/pack-ware.ts';
import { openPacked } from '../../src/sources/ware/open-fileset.ts';
import { makeTar, type TarEntry } from './tar-writer.ts';

/** A fileset that is asserted upstream, and its name there. */
interface Vector {
  readonly ware: string;
  readonly entries: readonly TarEntry[];
}

const HASHER = { uid: 7000, gid: 7000 };
const FLAT = { uid: 1000, gid: 1000, mtime: 1_262_304_000 };

/** rio's and Repeatr's tests and documentation: rio's transmat/tar/tar_unpack_test.go and transmat/zip/zip_scan_test.go; the results of Repeatr's examples. */
export const VECTORS: Readonly<Record<string, Vector>> = {
  'a tar with its base': {
    ware: 'tar:5y6NvK6GBPQ6CcuNyJyWtSrMAJQ4LVrAcZSoCRAzMSk5o53pkTYiieWyRivfvhZwhZ',
    entries: [
      { name: './', ...HASHER, mtime: 1_433_015_615 },
      { name: './ab', ...HASHER, mtime: 1_433_015_615 },
      { name: './bc/', ...HASHER, mtime: 1_433_015_615 },
    ],
  },
  'a tar without its base': {
    ware: 'tar:2RLHdc3am6tMCFy56vfcHm5kWLoAtYBfiaQcq17vDm1tEzQn9CC6tcF2yzpAJvehPC',
    entries: [
      { name: 'ab', ...HASHER, mtime: 1_433_013_083 },
      { name: 'cd/', ...HASHER, mtime: 1_433_013_086 },
    ],
  },
  'what mkdir -p /task/out/beep makes': {
    ware: 'tar:729LuUdChuu7traKQHNVAoWD9AjmrdCY4QUquhU6sPeRktVKrHo4k4cSaiQ523Nn4D',
    entries: [
      { name: './', ...FLAT },
      { name: './beep/', ...FLAT },
    ],
  },
  'a packed directory': {
    ware: 'tar:26pqLaHWGFWi7WuBrreDtcs9ZR9dtmdQ3cCHySzb9Z6kBksDXg7u5tN6yvDUGyTHiN',
    entries: [
      { name: './', mode: 0o775, ...FLAT },
      { name: './bar', mode: 0o664, ...FLAT },
    ],
  },
  'what is in a zip of Info-ZIP': {
    ware: 'zip:6c1eVnQ9NutqZSMD5gimy72u3gZMcp4mFAVbQhAkpwTvTH1CCnGgL6yvBJ6MNkWUYZ',
    entries: [
      { name: 'ab', uid: 501, gid: 20, mtime: 1_433_013_083 },
      { name: 'cd/', uid: 501, gid: 20, mtime: 1_433_013_086 },
    ],
  },
  'all that a ware holds': {
    ware: 'tar:2jkqXaVWCdH7axj1XW56rxZ6WVQ8f46nqMf2BBX7kjLsU9DsvQCquEoy6GcBcQ1Fqc',
    entries: [
      { name: './', ...HASHER, mtime: 1_506_536_826 },
      { name: './dir/', ...HASHER, mtime: 1_506_536_795 },
      { name: './dir/f1', mode: 0o750, ...HASHER, mtime: 1_506_536_755 },
      { name: './deep/', ...HASHER, mtime: 1_506_536_830 },
      { name: './deep/tree/', ...HASHER, mtime: 1_506_536_839 },
      { name: './deep/tree/f3', data: 'file 3\n', ...HASHER, mtime: 1_506_536_839 },
      { name: './lnkdangle', type: 'symlink', linkName: 'nonexistent', ...HASHER, mtime: 1_506_536_774 },
      { name: './empty/', ...HASHER, mtime: 1_506_536_762 },
      { name: './f2', data: 'f2\n', uid: 4000, gid: 5000, mtime: 1_506_536_799 },
      { name: './lnkfile', type: 'symlink', linkName: 'f2', ...HASHER, mtime: 1_506_536_809 },
      { name: './lnkdir', type: 'symlink', linkName: 'dir/', ...HASHER, mtime: 1_506_536_782 },
    ],
  },
};

/** The name of the ware in a file, or at an address. */
export async function wareAt(path: string, type: PackType = 'tar', filters: Filters = LOSSLESS): Promise<string> {
  const fileset = await openPacked(path, type, { cache: false });
  try {
    const { hash } = await packWare(fileset, { type, filters, wholeSeconds: false });
    return `${type}:${hash}`;
  } finally {
    fileset.close();
  }
}

/** Writes a tar into a folder; its path. */
export function writeTar(folder: string, name: string, entries: readonly TarEntry[]): string {
  const path = join(folder, name);
  writeFileSync(path, makeTar(entries));
  return path;
}

/** The index of a tar in memory. */
export function readTarIndex(tar: Uint8Array): LayerIndex {
  const builder = new LayerIndexBuilder();
  const reader = readTar({ layer: 0, size: tar.length });
  for (let step = reader.next(tar); !step.done; ) {
    const { value } = step;
    if ('entry' in value) builder.add(value.entry);
    const wanted = 'want' in value ? value.want : { offset: 0, length: 0 };
    step = reader.next(tar.subarray(wanted.offset, wanted.offset + wanted.length));
  }
  return builder.finish();
}
