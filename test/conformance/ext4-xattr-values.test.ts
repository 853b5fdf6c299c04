import { rmSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteString } from '../../src/core/bytes.ts';
import { Filesystem } from '../../src/core/ext4/reader/filesystem.ts';
import { surveyFilesystem } from '../../src/core/ext4/reader/survey.ts';
import { BlockUse } from '../../src/core/ext4/reader/block-use.ts';
import { bytesOfSeed } from '../../golden-images/recipe.ts';
import { mapRows } from '../../src/core/plan/map.ts';
import { buildCase, bytesOfImage, planCase } from '../helpers/image-case.ts';
import { put } from '../helpers/make-tree.ts';
import { memoryDevice } from '../helpers/memory-device.ts';
import { mountImage, unmount, xattrsOfMounted } from '../helpers/mount.ts';
import { planLayers } from '../helpers/plan-tree.ts';
import { describeMounted, describeRead } from '../helpers/read-tree.ts';
import type { TarEntry } from '../helpers/tar-writer.ts';
import { debugfs, e2fsck, requireTools, run } from '../helpers/tools.ts';

const isReady = requireTools('e2fsck', 'debugfs', 'mount', 'getfattr', 'setfattr', 'root');

type Xattrs = Record<string, Uint8Array>;

const hex = (xattrs: Xattrs): Record<string, string> =>
  Object.fromEntries(Object.entries(xattrs).map(([name, value]) => [name, Buffer.from(value).toString('hex')]));

/** An entry of every type that a tar has, all with the same xattrs. */
const everyType = (xattrs: Xattrs): TarEntry[] => [
  { name: 'file', data: 'x', xattrs },
  { name: 'empty', xattrs },
  { name: 'directory/', xattrs },
  { name: 'short', type: 'symlink', linkName: 'abc', xattrs },
  { name: 'not so short', type: 'symlink', linkName: 'x'.repeat(59), xattrs },
  { name: 'long', type: 'symlink', linkName: 'y'.repeat(60), xattrs },
  { name: 'character', type: 'character', deviceMajor: 1, deviceMinor: 3, xattrs },
  { name: 'block', type: 'block', deviceMajor: 8, deviceMinor: 0x12345, xattrs },
  { name: 'fifo', type: 'fifo', xattrs },
];

describe.skipIf(!isReady)('xattrs that no block holds', () => {
  it.each([1024, 2048, 4096] as const)('are those of files of every type (blocks of %d)', async (blockSize) => {
    const xattrs = { 'trusted.long': bytesOfSeed(1, 60_000), 'security.other': bytesOfSeed(2, 300) };
    const { path, image } = await buildCase([everyType(xattrs)], { blockSize });
    e2fsck(path);
    const mounted = mountImage(path);
    const seen = xattrsOfMounted(mounted);
    for (const { name } of everyType(xattrs)) {
      expect([name, seen.get(name.replace('/', ''))]).toEqual([name, hex(xattrs)]);
    }
    expect(describeRead(image)).toEqual(describeMounted(mounted));
  });

  it.each([1024, 4096] as const)('are of every length (blocks of %d)', async (blockSize) => {
    const lengths = [blockSize - 56, blockSize - 55, blockSize, blockSize + 1, 32_768, 65_535, 65_536];
    const sets = lengths.map((length) => ({ 'user.x': bytesOfSeed(length, length) }));
    const { path } = await buildCase([sets.map((xattrs, i) => ({ name: `${i}`, xattrs }))], { blockSize });
    e2fsck(path);
    const seen = xattrsOfMounted(mountImage(path));
    for (const [i, xattrs] of sets.entries()) expect([i, seen.get(`${i}`)]).toEqual([i, hex(xattrs)]);
    expect(debugfs(path, 'features')).toContain(' ea_inode ');
  });

  it('are any', async () => {
    const value = fc
      .tuple(fc.oneof(fc.nat(65_536), fc.nat(5000), fc.nat(80), fc.constantFrom(0, 4096, 65_536)), fc.nat(4))
      .map(([length, seed]) => bytesOfSeed(seed, length));
    const name = fc.oneof(
      fc.constantFrom('user.a', 'user.b', 'trusted.a'),
      fc.nat(200).map((n) => `user.${'n'.repeat(n + 1)}`),
    );
    const sets = fc.array(fc.dictionary(name, value, { maxKeys: 6 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(sets, fc.constantFrom(2048 as const, 4096 as const), async (all, blockSize) => {
        const layer = all.flatMap((xattrs, i) => [
          { name: `${i}`, xattrs },
          { name: `${i} again`, xattrs },
        ]);
        const { path, image, directory } = await buildCase([layer], { blockSize });
        e2fsck(path);
        const mounted = mountImage(path);
        const seen = xattrsOfMounted(mounted);
        for (const entry of layer) expect(seen.get(entry.name) ?? {}).toEqual(hex(entry.xattrs));
        expect(describeRead(image)).toEqual(describeMounted(mounted));
        unmount(mounted);
        rmSync(directory, { recursive: true });
      }),
      { numRuns: 25 },
    );
  });

  it('share an inode where their values are equal', async () => {
    const long = bytesOfSeed(1, 5000);
    const other = bytesOfSeed(2, 5000);
    const layer = [
      ...Array.from({ length: 1500 }, (_, i) => ({ name: `f${1000 + i}`, xattrs: { 'user.same': long } })),
      { name: 'under another name', xattrs: { 'trusted.t': long } },
      { name: 'twice', xattrs: { 'user.a': long, 'user.b': long, 'user.c': other } },
    ];
    const { path, image } = await buildCase([layer]);
    e2fsck(path);
    expect(image.plan.inodes.used).toBe(11 + layer.length + 2);
    const { ino: last } = image.plan.locate('twice')!;
    // Two blocks that many inodes share, one of another name, and two entries of one block.
    expect(debugfs(path, `stat <${last + 1}>`)).toContain('Version: 0x00000000:00000005');
    expect(debugfs(path, `stat <${last + 2}>`)).toContain('Version: 0x00000000:00000001');
    expect(debugfs(path, 'stat /f1000')).toContain('Blockcount: 24\n');
  });

  it('leave the numbers of all others as they were', async () => {
    const inos = async (xattrs: Xattrs): Promise<string[]> => {
      const { image } = await planCase([everyType(xattrs), [{ name: 'file', data: 'y', xattrs }]]);
      return describeRead(image).map((line) => line.split(' ').slice(0, 2).join(' '));
    };
    expect(await inos({ 'trusted.x': bytesOfSeed(1, 20_000) })).toEqual(await inos({}));
  });

  it.each([false, true])('can be changed by a guest (with a journal: %s)', async (journal) => {
    const long = { 'user.long': bytesOfSeed(1, 30_000) };
    const layer = ['a', 'b', 'c', 'd', 'e'].map((name) => ({
      name,
      xattrs: name === 'e' ? { ...long, 'user.x': bytesOfSeed(3, 9) } : long,
    }));
    const { path } = await buildCase([layer], { journal, free: 8 << 20 });
    const mounted = mountImage(path, 'rw');
    run('setfattr', ['-x', 'user.long', `${mounted}/a`]);
    run('setfattr', ['-n', 'user.long', '-v', 'v'.repeat(20_000), `${mounted}/b`]);
    run('setfattr', ['-n', 'user.more', '-v', 'w'.repeat(20_000), `${mounted}/c`]);
    run('setfattr', ['-n', 'user.long', '-v', `0x${Buffer.from(long['user.long']).toString('hex')}`, `${mounted}/b`]);
    rmSync(`${mounted}/d`);
    unmount(mounted);
    e2fsck(path);
    const again = mountImage(path, 'rw');
    const seen = xattrsOfMounted(again);
    expect(seen.get('a')).toBeUndefined();
    expect(seen.get('b')).toEqual(hex(long));
    expect(seen.get('c')).toEqual(hex({ ...long, 'user.more': Buffer.from('w'.repeat(20_000)) }));
    for (const name of ['a', 'b', 'c', 'e']) rmSync(`${again}/${name}`);
    unmount(again);
    e2fsck(path);
    // Nobody has a reference to a value any more.
    const [, inodes, free] = /^Inode count: +(\d+)\n[^]*^Free inodes: +(\d+)\n/m.exec(debugfs(path, 'stats -h')) ?? [];
    expect(Number(inodes) - Number(free)).toBe(11);
  });

  it('are told apart on a map, and accounted for as blocks of xattrs', async () => {
    const layer = [
      { name: 'a', xattrs: { 'user.long': bytesOfSeed(1, 9000) } },
      { name: 'b', xattrs: { 'user.long': bytesOfSeed(1, 9000) } },
    ];
    const { image } = await planCase([layer]);
    const survey = surveyFilesystem(new Filesystem(memoryDevice(bytesOfImage(image))));
    let blocks = 0;
    for (let i = 0; i < survey.runCount; i++) if (survey.runUse[i] === BlockUse.xattr) blocks += survey.runLength[i]!;
    expect(blocks).toBe(1 + 3);
    const labels = Array.from(mapRows(image.plan), ({ label }) => label);
    expect(labels).toContain('xattr value, inode 14');
    const { metadataOffset: inodeOffset } = image.plan.locate('b')!;
    expect(image.label(inodeOffset + 256)).toBe('inode table, group 0, inode 14, xattr value');
  });

  it('are not longer than Linux serves, and have no more names than fit', () => {
    const plan = (xattrs: readonly { name: string; value: Uint8Array }[]) => planLayers([[put('a', 0, { xattrs })]]);
    expect(() => plan([{ name: 'user.a', value: new Uint8Array(65_537) }])).toThrow(
      expect.objectContaining({
        code: 'limit-exceeded',
        message: 'layer 0, entry a: an xattr of 65537 bytes, at most 65536',
      }),
    );
    const names = Array.from({ length: 20 }, (_, i) => ({
      name: `user.${byteString(new Uint8Array(230).fill(97 + i))}`,
      value: new Uint8Array(5000),
    }));
    expect(() => plan(names)).toThrow(
      expect.objectContaining({
        code: 'limit-exceeded',
        message: 'layer 0, entry a: 4960 bytes of 20 xattrs without their values, at most 4060 fit a block',
      }),
    );
  });
});
