import { crc32c } from 'ext2fs-wasm';
import { describe, expect, it } from 'vitest';
import { ImageError } from '../../../../../src/core/errors.ts';
import { byteString, bytesOf } from '../../../../../src/core/bytes.ts';
import { ReadFlag } from '../../../../../src/core/ext4/reader/inode.ts';
import { damageableImage, type DamageableImage } from '../../../../helpers/damageable-image.ts';
import { memoryDevice } from '../../../../helpers/memory-device.ts';
import { describeRead } from '../../../../helpers/read-tree.ts';
import type { TarEntry } from '../../../../helpers/tar-writer.ts';

const BLOCK = 1024;
/** More pieces than the nodes of one extent tree's first two levels have room for, 4 and 84 with blocks of 1 KiB. */
const PIECES = 400;

const ENTRIES: readonly TarEntry[] = [
  { name: 'file', data: 'x'.repeat(3000) },
  {
    name: 'pieces',
    data: 'p'.repeat(PIECES * BLOCK),
    sparse: {
      form: '1.0',
      size: 2 * PIECES * BLOCK,
      segments: Array.from({ length: PIECES }, (_, i) => ({ offset: 2 * i * BLOCK, length: BLOCK })),
    },
  },
  { name: 'dir', type: 'directory' },
  { name: 'dir/one', data: '1' },
  { name: 'dir/two', data: '2' },
  { name: 'long', type: 'symlink', linkName: 't'.repeat(100) },
  { name: 'short', type: 'symlink', linkName: 'dir/../dir' },
  { name: 'circle', type: 'symlink', linkName: 'circle' },
  { name: 'attributes', data: '', xattrs: { 'user.block': 'v'.repeat(500), 'user.other': 'w' } },
];

const make = async (): Promise<DamageableImage> => damageableImage(ENTRIES, BLOCK);

/** The error that reading all of an image ends with. */
function errorOf({ bytes }: { bytes: Uint8Array }): string {
  try {
    describeRead(memoryDevice(bytes));
  } catch (error) {
    if (error instanceof ImageError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

type Damage = readonly [why: string, damage: (image: DamageableImage) => void, expected: RegExp];

/** Each changes one field. */
const WITHOUT_CHECKSUMS: readonly Damage[] = [
  ['something else', (image) => image.setSuperblock('s_magic', 0xef54), /^image-corrupt: no ext4 .*0xef54 at 0x438/],
  ['blocks of 128 KiB', (image) => image.setSuperblock('s_log_block_size', 7), /^image-corrupt: s_log_block_size 7/],
  [
    'more blocks than there are',
    (image) => image.setSuperblock('s_blocks_count_lo', 2 ** 30),
    /^image-corrupt: .*blocks of 1024/,
  ],
  ['inodes of 96 bytes', (image) => image.setSuperblock('s_inode_size', 96), /^image-corrupt: inodes of 96 bytes/],
  [
    'inodes that do not fit',
    (image) => {
      image.setSuperblock('s_inodes_per_group', 8192);
      image.setSuperblock('s_inodes_count', 8192);
    },
    /^image-corrupt: .* in an image of/,
  ],
  ['no group', (image) => image.setSuperblock('s_blocks_per_group', 0), /^image-corrupt: .*0 in a group/],
  ['another number of inodes', (image) => image.setSuperblock('s_inodes_count', 17), /^image-corrupt: 17 inodes/],
  [
    'a first block that is none',
    (image) => image.setSuperblock('s_first_data_block', 9),
    /^image-corrupt: s_first_data_block 9/,
  ],
  ['a later revision', (image) => image.setSuperblock('s_rev_level', 2), /^image-unsupported: s_rev_level 2/],
  [
    'features that are not known',
    (image) => image.setSuperblock('s_feature_incompat', 0x8000_0242),
    /^image-unsupported: .*: 0x80000000$/,
  ],
  [
    'features that are not read',
    (image) => image.setSuperblock('s_feature_incompat', 0x24b),
    /^image-unsupported: .*: compression, journal_dev$/,
  ],
  [
    'an inode table outside',
    ({ view, descriptor }) => view.setUint32(descriptor + 8, 2 ** 31, true),
    /^image-corrupt: group 0: .*2147483648/,
  ],
  ['no root', (image) => image.setInode('', 'i_mode', 0o100644), /^image-corrupt: the root is not a directory/],
  [
    'an inode that is not in use',
    (image) => image.setInode('file', 'i_mode', 0),
    /^image-corrupt: inode \d+ is not in use/,
  ],
  [
    'fields behind the inode',
    (image) => image.setInode('file', 'i_extra_isize', 132),
    /^image-corrupt: .*i_extra_isize 132/,
  ],
  ['a file of 2^53 bytes', (image) => image.setInode('file', 'i_size_high', 2 ** 21), /^image-corrupt: inode \d+ has/],
  [
    'an encrypted file',
    (image) => image.setInode('file', 'i_flags', 0x8_0800),
    /^image-unsupported: inode \d+ is encrypted/,
  ],
  ['no extents', (image) => image.view.setUint16(image.extentsOf('file'), 0, true), /^image-corrupt: .*magic 0x0/],
  ['more extents than room', (image) => image.view.setUint16(image.extentsOf('file') + 2, 5, true), /5 of 4 entries/],
  ['room past the inode', (image) => image.view.setUint16(image.extentsOf('file') + 4, 400, true), /1 of 400 entries/],
  ['a tree of six levels', (image) => image.view.setUint16(image.extentsOf('pieces') + 6, 6, true), /of depth 6/],
  ['a level left out', (image) => image.view.setUint16(image.extentsOf('pieces') + 6, 3, true), /of depth 1/],
  ['a node below itself', loop, /of depth 2/],
  [
    'nodes that overlap',
    (image) => image.view.setUint32(image.extent(image.firstBlock(image.extentsOf('pieces')), 1), 0, true),
    /extent at block \d+, expected/,
  ],
  [
    'extents out of order',
    (image) =>
      image.view.setUint32(image.extent(image.firstBlock(image.firstBlock(image.extentsOf('pieces'))), 1), 0, true),
    /extent at block 0, expected 1/,
  ],
  [
    'an extent of nothing',
    (image) => image.view.setUint16(image.extent(image.extentsOf('file'), 0) + 4, 0, true),
    /extent of 0 blocks/,
  ],
  [
    'data outside',
    (image) => image.view.setUint16(image.extent(image.extentsOf('file'), 0) + 6, 1, true),
    /outside the filesystem/,
  ],
  [
    'the superblock as data',
    (image) => image.view.setUint32(image.extent(image.extentsOf('file'), 0) + 8, 1, true),
    /3 blocks at 1, outside/,
  ],
  [
    'an entry of nothing',
    (image) => image.view.setUint16(image.entryOf('dir/one') + 4, 0, true),
    /an entry of 0 bytes/,
  ],
  [
    'an entry past its block',
    (image) => image.view.setUint16(image.entryOf('dir/one') + 4, 2000, true),
    /an entry of 2000 bytes/,
  ],
  ['an entry at an odd place', (image) => image.view.setUint16(image.entryOf('dir/one') + 4, 14, true), /an entry of/],
  [
    'a name past its entry',
    (image) => image.view.setUint8(image.entryOf('dir/one') + 6, 9),
    /a name of 9 bytes in an entry of 12/,
  ],
  ['no name', (image) => image.view.setUint8(image.entryOf('dir/one') + 6, 0), /a name of 0 bytes/],
  ['a slash in a name', (image) => image.view.setUint8(image.entryOf('dir/one') + 8, 0x2f), /holds a slash/],
  [
    'an inode that there is not',
    (image) => image.view.setUint32(image.entryOf('dir/one'), 2 ** 31, true),
    /inode 2147483648 of/,
  ],
  ['a block twice in a directory', repeat, /block \d+ stands twice in it/],
  ['a symlink to nothing', (image) => image.setInode('short', 'i_size_lo', 0), /a symlink of 0 bytes/],
  ['a symlink that is too long', (image) => image.setInode('long', 'i_size_lo', 4096), /a symlink of 4096 bytes/],
  ['a symlink with a NUL', (image) => image.view.setUint8(image.extentsOf('short'), 0), /holds a NUL/],
  [
    'xattrs outside',
    (image) => image.setInode('attributes', 'i_file_acl_lo', 2 ** 31),
    /block 2147483648 is not in the image/,
  ],
  ['no xattrs', (image) => image.view.setUint32(xattrsOf(image), 1, true), /xattr block \d+ with magic 0x1/],
  [
    'an xattr outside',
    (image) => image.view.setUint16(xattrsOf(image) + 32 + 2, 1000, true),
    /value that ends outside/,
  ],
  [
    'an xattr that is too long',
    (image) => image.view.setUint32(xattrsOf(image) + 32 + 8, 65_537, true),
    /^image-unsupported: .*65537 bytes/,
  ],
  ['a NUL in an xattr', (image) => image.view.setUint8(xattrsOf(image) + 32 + 16, 0), /xattr name that holds a NUL/],
];

/** A directory's one block is mapped once more. */
function repeat(image: DamageableImage): void {
  const header = image.extentsOf('dir');
  const block = image.firstBlock(header) / BLOCK;
  image.view.setUint16(header + 2, 2, true);
  image.view.setUint32(image.extent(header, 1), 1, true);
  image.view.setUint16(image.extent(header, 1) + 4, 1, true);
  image.view.setUint32(image.extent(header, 1) + 8, block, true);
  image.setInode('dir', 'i_size_lo', 2 * BLOCK);
}

/** Where the block of xattrs is. */
function xattrsOf(image: DamageableImage): number {
  return image.view.getUint32(image.inodeOf('attributes') + 0x68, true) * BLOCK;
}

function loop(image: DamageableImage): void {
  const node = image.firstBlock(image.extentsOf('pieces'));
  image.view.setUint16(node + 6, 2, true);
  image.view.setUint32(image.extent(node, 0) + 4, node / BLOCK, true);
}

/** Each is found by the checksum of its structure. */
const WITH_CHECKSUMS: readonly Damage[] = [
  ['the superblock', (image) => image.setSuperblock('s_mtime', 1), /superblock: checksum 0x[\da-f]+, computed 0x/],
  [
    'a descriptor',
    ({ view, descriptor }) => view.setUint16(descriptor + 12, 7, true),
    /descriptor of group 0: checksum/,
  ],
  ['an inode', (image) => image.setInode('file', 'i_mtime', 1), /inode \d+: checksum/],
  [
    'an extent block',
    (image) => image.view.setUint16(image.firstBlock(image.extentsOf('pieces')) + 2, 1, true),
    /extent block \d+: checksum/,
  ],
  [
    'a directory',
    (image) => image.view.setUint8(image.entryOf('dir/one') + 8, 0x30),
    /directory inode \d+, block \d+: checksum/,
  ],
  [
    'a directory without its checksum',
    (image) => image.view.setUint8(image.firstBlock(image.extentsOf('dir')) + BLOCK - 5, 0),
    /no checksum at its end/,
  ],
  ['an xattr block', (image) => image.view.setUint8(xattrsOf(image) + BLOCK - 1, 0x30), /xattr block \d+: checksum/],
];

describe('the reader of ext4', () => {
  it('reads what is not damaged, with checksums and without', async () => {
    const image = await make();
    const whole = describeRead(memoryDevice(image.bytes));
    expect(whole.length).toBe(ENTRIES.length);
    expect(errorOf(image.withoutChecksums())).toBe('none');
    expect(describeRead(memoryDevice(image.bytes))).toEqual(whole);
  });

  it.each(WITHOUT_CHECKSUMS)('says what is wrong with %s', async (_, damage, expected) => {
    const image = (await make()).withoutChecksums();
    damage(image);
    expect(errorOf(image)).toMatch(expected);
  });

  it.each(WITH_CHECKSUMS)('verifies the checksum of %s', async (_, damage, expected) => {
    const image = await make();
    damage(image);
    expect(errorOf(image)).toMatch(expected);
  });

  it('reads an xattr that has an inode of its own, and verifies its hash', async () => {
    const image = (await make()).withoutChecksums();
    const [attributes, value] = ['attributes', 'file'].map((path) => image.filesystem.resolve(path)!);
    const entry = xattrsOf(image) + 32;
    image.view.setUint32(entry + 4, value!.ino, true);
    image.view.setUint32(entry + 8, value!.size, true);
    const xattrs = (): unknown => image.filesystem.xattrs(attributes!);
    expect(xattrs).toThrow(`an xattr of 3000 bytes in inode ${value!.ino}, which holds none`);
    image.setInode('file', 'i_flags', value!.flags | ReadFlag.eaInode);
    expect(xattrs).toThrow(`xattr inode ${value!.ino}: checksum 0x`);
    image.setInode('file', 'i_atime', crc32c(image.filesystem.superblock.checksumSeed, bytesOf('x'.repeat(3000))));
    expect(xattrs()).toContainEqual({ name: 'user.block', value: bytesOf('x'.repeat(3000)) });
    image.view.setUint32(entry + 8, 2999, true);
    expect(xattrs).toThrow('which holds none');
  });

  it('reads through trees of every depth', async () => {
    const { filesystem } = await make();
    const pieces = filesystem.resolve('pieces')!;
    expect([...filesystem.runs(pieces)].map(({ offset, length }) => [offset, length])).toEqual(
      Array.from({ length: PIECES }, (_, i) => [2 * i * BLOCK, BLOCK]),
    );
    const part = new Uint8Array(3 * BLOCK).fill(7);
    expect(filesystem.readFile(pieces, 700 * BLOCK - 512, part)).toBe(part.length);
    expect(byteString(part)).toBe(`${'\0'.repeat(512)}${'p'.repeat(BLOCK)}${'\0'.repeat(BLOCK)}${'p'.repeat(512)}`);
    expect(filesystem.readFile(pieces, pieces.size - 1, part)).toBe(1);
    expect(filesystem.readFile(pieces, pieces.size, part)).toBe(0);
  });

  it('finds paths as the kernel does, and never outside', async () => {
    const { filesystem } = await make();
    const ino = (path: string, followLast = true): number | undefined => filesystem.resolve(path, { followLast })?.ino;
    expect(ino('../../short/../short/one')).toBe(ino('dir/one'));
    expect(ino('short')).toBe(ino('dir'));
    expect(ino('short', false)).not.toBe(ino('dir'));
    expect(ino('file/one')).toBeUndefined();
    expect(ino('dir/three')).toBeUndefined();
    expect(ino('circle', false)).toBeGreaterThan(11);
    expect(() => ino('circle')).toThrow('more than 40 symlinks');
  });
});
