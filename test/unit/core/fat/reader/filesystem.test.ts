import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { FatFilesystem } from '../../../../../src/core/fat/reader/filesystem.ts';
import { BootSector16 } from '../../../../../src/core/fat/format/boot-sector.ts';
import { walk } from '../../../../../src/core/reading/walk.ts';
import { findPath } from '../../../../../src/core/reading/find.ts';
import { viewOf } from '../../../../../src/core/struct.ts';
import { openImage } from '../../../../../src/image/open-image.ts';
import { bytesOfImage } from '../../../../helpers/image-case.ts';
import { memoryDevice } from '../../../../helpers/memory-device.ts';
import { sharedScratch } from '../../../../helpers/scratch.ts';
import { makeTar } from '../../../../helpers/tar-writer.ts';

const ENTRY = 32;
/** Of a FAT12 whose clusters have 2 KiB: clusters 2 and 3 are those of directories, 4 to 6 those of the file. */
let sound: Uint8Array;

const folder = sharedScratch();

beforeAll(async () => {
  const tar = join(folder, 'layer.tar');
  const entries = [
    { name: 'dir/sub/', mtime: 1_700_000_001 },
    { name: 'dir/sub/a long name', data: 'x'.repeat(5000), mtime: 1_700_000_001 },
    { name: 'SHORT.TXT', data: '' },
  ];
  writeFileSync(tar, makeTar(entries));
  const image = await openImage({ layers: [tar], fs: 'vfat', label: 'disk', mtime: 'keep', cache: false });
  sound = bytesOfImage(image);
  image.close();
});

/** The image after a change, which gets where its table, its root and its first cluster begin. */
function changed(change: (view: DataView, at: { table: number; root: number; data: number }) => void): FatFilesystem {
  const bytes = Uint8Array.from(sound);
  const { table, root, data } = new FatFilesystem(memoryDevice(sound)).volume;
  change(viewOf(bytes), { table, root: 'start' in root ? root.start : 0, data });
  return new FatFilesystem(memoryDevice(bytes));
}

/** Sets an entry of a FAT12. */
function setCluster(view: DataView, table: number, cluster: number, value: number): void {
  const at = table + Math.floor((3 * cluster) / 2);
  const pair = view.getUint16(at, true);
  view.setUint16(at, cluster % 2 === 0 ? (pair & 0xf000) | value : (pair & 0xf) | (value << 4), true);
}

const paths = (filesystem: FatFilesystem): string[] =>
  Array.from(walk(filesystem, filesystem.root), ({ path }) => path);

function contentOf(filesystem: FatFilesystem): string {
  const inode = findPath(filesystem, 'dir/sub/a long name');
  const bytes = new Uint8Array(inode.size);
  filesystem.readFile(inode, 0, bytes);
  return Buffer.from(bytes).toString();
}

describe('a FAT filesystem', () => {
  it('has names, times, modes and its label', () => {
    const filesystem = changed(() => undefined);
    expect(paths(filesystem)).toEqual(['', 'SHORT.TXT', 'dir', 'dir/sub', 'dir/sub/a long name']);
    expect(filesystem.label).toBe('DISK');
    expect(contentOf(filesystem)).toBe('x'.repeat(5000));
    expect(findPath(filesystem, '/dir/./sub/../sub/a long name')).toMatchObject({
      mode: 0o644,
      size: 5000,
      mtime: { seconds: 1_700_000_000, nanoseconds: 0 },
      crtime: { seconds: 1_700_000_000, nanoseconds: 0 },
    });
    expect(filesystem.resolve('short.txt')).toBeUndefined();
    expect(filesystem.resolve('SHORT.TXT/x')).toBeUndefined();
  });

  it('shows what is not to be written as such', () => {
    const filesystem = changed((view, { root }) => view.setUint8(root + ENTRY + 11, 0x21));
    expect(findPath(filesystem, 'SHORT.TXT').mode).toBe(0o444);
  });

  it("has the short name where the long one is another file's", () => {
    const filesystem = changed((view, { data }) => {
      // The checksum in the last entry of the long name: the directory begins with `.` and `..`.
      const entry = data + 2048 + 2 * ENTRY;
      view.setUint8(entry + 13, view.getUint8(entry + 13) ^ 1);
    });
    expect(paths(filesystem).at(-1)).toBe('dir/sub/ALONGN~1');
  });

  it('has small letters, and those of code page 437, in short names', () => {
    const filesystem = changed((view, { root }) => {
      view.setUint8(root + ENTRY + 12, 0x08);
      view.setUint8(root + ENTRY + 1, 0x81);
    });
    expect(paths(filesystem)).toContain(Buffer.from('sÜort.TXT'.replace('Ü', 'ü')).toString('latin1'));
  });

  it.each<readonly [string, Parameters<typeof changed>[0], string]>([
    [
      'leads back to itself',
      (v, { table }) => setCluster(v, table, 5, 4),
      'its chain of clusters leads back to cluster',
    ],
    [
      'leads to itself at once',
      (v, { table }) => setCluster(v, table, 4, 4),
      'its chain of clusters leads back to cluster 4',
    ],
    ['leads out of the filesystem', (v, { table }) => setCluster(v, table, 4, 4000), 'cluster 4000, they are 2 to 503'],
    [
      'ends too early',
      (v, { table }) => setCluster(v, table, 4, 0xfff),
      'its chain ends at cluster 4, 2 before its size',
    ],
    ['leads to a free cluster', (v, { table }) => setCluster(v, table, 4, 0), 'cluster 0, they are 2 to 503'],
  ])('is refused where the chain of a file %s', (_, change, expected) => {
    expect(() => contentOf(changed(change))).toThrow(expected);
  });

  it('is refused where a directory is below itself', () => {
    const filesystem = changed((view, { data }) => view.setUint16(data + 3 * ENTRY + 26, 2, true));
    expect(() => paths(filesystem)).toThrow('has two names, or is below itself');
  });

  it('is refused where a name holds a slash', () => {
    expect(() => paths(changed((view, { root }) => view.setUint8(root + ENTRY, 0x2f)))).toThrow('holds a slash');
  });

  const { BPB_SecPerClus, BPB_TotSec16, BPB_FATSz16, BPB_NumFATs, BPB_RootEntCnt } = BootSector16.fields;
  it.each([
    ['clusters of 3 sectors', (v: DataView) => v.setUint8(BPB_SecPerClus.offset, 3), 'no boot sector of a FAT'],
    ['no tables', (v: DataView) => v.setUint8(BPB_NumFATs.offset, 0), 'no boot sector of a FAT'],
    [
      'more sectors than the image',
      (v: DataView) => v.setUint16(BPB_TotSec16.offset, 4000, true),
      'has 2048000 bytes, the image 1048576',
    ],
    ['tables behind its end', (v: DataView) => v.setUint16(BPB_FATSz16.offset, 9000, true), 'FAT12 of -'],
    ['no room for a root', (v: DataView) => v.setUint16(BPB_RootEntCnt.offset, 0, true), 'without room for a root'],
  ])('is refused with %s', (_, change, expected) => {
    expect(() => changed(change)).toThrow(expected);
  });
});
