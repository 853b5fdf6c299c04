import { existsSync, lstatSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirHashes, HashVersion } from 'ext2fs-wasm';
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../src/core/bytes.ts';
import { S_HASH_SEED } from '../../src/core/ext4/checksums.ts';
import { buildCase, planCase } from '../helpers/image-case.ts';
import { hostPath, mountImage, unmount } from '../helpers/mount.ts';
import type { TarEntry } from '../helpers/tar-writer.ts';
import { debugfs, e2fsck, requireTools } from '../helpers/tools.ts';

const isReady = requireTools('e2fsck', 'debugfs', 'mount', 'root');

const filesIn = (directory: string, names: readonly string[]): TarEntry[] =>
  names.map((name) => ({ name: `${directory}/${name}` }));
const padded = (i: number, length: number): string => String(i).padEnd(length, '.');

/** Checks an image of one directory, `d`, by e2fsck, and by the kernel's reading and its lookup of every name. */
async function checkNames(names: readonly string[], blockSize: 1024 | 2048 | 4096, type = 'file'): Promise<string> {
  const entries = type === 'directory' ? names.map((name) => ({ name: `d/${name}/` })) : filesIn('d', names);
  const { path } = await buildCase([entries], { blockSize });
  e2fsck(path);
  const mounted = mountImage(path);
  const found = new Set(readdirSync(`${mounted}/d`, { encoding: 'latin1' }));
  expect(found.size).toBe(names.length);
  expect(names.filter((name) => !found.has(name))).toEqual([]);
  const lost = names.filter((name) => !existsSync(hostPath(mounted, `d/${name}`)));
  expect(lost).toEqual([]);
  return path;
}

/** The levels of index above the leaves of directory `d`, as debugfs sees them. */
function indirectLevels(path: string): number {
  return Number(/Indirect levels: (\d+)/.exec(debugfs(path, 'htree_dump /d'))?.[1]);
}

/** The hashes in all nodes of the index of directory `d`, as debugfs sees them. */
function indexHashes(path: string): number[] {
  const entries = debugfs(path, 'htree_dump /d').matchAll(/Entry #\d+: Hash 0x([0-9a-f]+)/g);
  return Array.from(entries, ([, hash]) => Number.parseInt(hash!, 16));
}

/** The hash of every name, as the image has it. */
function hashesOf(names: readonly string[]): Uint32Array {
  const seed = new Uint32Array(S_HASH_SEED.buffer);
  const ends = new Uint32Array(names.length);
  let end = 0;
  names.forEach((name, i) => {
    ends[i] = end += name.length;
  });
  const out = new Uint32Array(2 * names.length);
  dirHashes(bytesOf(names.join('')), ends, HashVersion.half_md4_unsigned, seed, out);
  return out.filter((_, i) => i % 2 === 0);
}

describe.skipIf(!isReady)('a directory', () => {
  it.each([1024, 2048, 4096] as const)('with blocks of %d bytes holds names of every length', async (blockSize) => {
    const names = Array.from({ length: 255 }, (_, i) => `${'n'.repeat(i)}${i % 10}`);
    expect(await checkNames(names, blockSize)).toBeDefined();
  });

  it('that just fits one block has no index, one byte more gives it one', async () => {
    // . and .. take 24 bytes, the checksum 12: 4060 bytes are left, 15 names of 255 take 3960, one of 92 the rest.
    const names = Array.from({ length: 15 }, (_, i) => padded(i, 255));
    const flags = async (more: string): Promise<string> => debugfs(await checkNames([...names, more], 4096), 'stat /d');
    expect(await flags(padded(15, 92))).toContain('Flags: 0x80000');
    expect(await flags(padded(15, 93))).toContain('Flags: 0x81000');
  });

  it.each([
    ['1 KiB', 1024, 10_000, 8],
    ['1 KiB with long names', 1024, 2000, 255],
    ['2 KiB with long names', 2048, 3000, 255],
    ['4 KiB with long names', 4096, 10_000, 255],
  ] as const)('of two levels of index, blocks of %s', async (_title, blockSize, count, length) => {
    const names = Array.from({ length: count }, (_, i) => padded(i, length));
    expect(indirectLevels(await checkNames(names, blockSize))).toBe(1);
  });

  it('of 100,000 names of 255 bytes', async () => {
    const names = Array.from({ length: 100_000 }, (_, i) => padded(i, 255));
    expect(indirectLevels(await checkNames(names, 4096))).toBe(1);
  });

  it('of 100,000 subdirectories counts one link', async () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `${i}`);
    const path = await checkNames(names, 4096, 'directory');
    expect(debugfs(path, 'stat /d')).toMatch(/Links: 1 /);
  });

  it('of as many subdirectories as links can be counted counts them', async () => {
    const { path } = await buildCase([Array.from({ length: 64_998 }, (_, i) => ({ name: `d/${i}/` }))]);
    e2fsck(path);
    expect(debugfs(path, 'stat /d')).toContain('Links: 65000 ');
  });

  // Blocks of 1 KiB hold three names of 255 bytes; the root 123 nodes, each of them 126 leaves or nodes.
  it.each([
    ['of just two levels', 3 * 123 * 126, 1],
    ['of just three levels', 3 * 123 * 126 + 1, 2],
    ['of three levels with several nodes on each', 110_000, 2],
  ] as const)('has an index %s', async (_, count, indirect) => {
    const path = await checkNames(
      Array.from({ length: count }, (_name, i) => padded(i, 255)),
      1024,
    );
    expect(indirectLevels(path)).toBe(indirect);
    expect(debugfs(path, 'features').includes(' large_dir')).toBe(indirect > 1);
  });

  it('with three levels of index takes more names, and loses some', async () => {
    const names = Array.from({ length: 60_000 }, (_, i) => padded(i, 255));
    const { path } = await buildCase([filesIn('d', names)], { blockSize: 1024, free: 16 << 20, inodes: 70_000 });
    const mounted = mountImage(path, 'rw');
    for (let i = 0; i < 60_000; i += 100) unlinkSync(`${mounted}/d/${names[i]}`);
    for (let i = 60_000; i < 63_000; i++) writeFileSync(`${mounted}/d/${padded(i, 255)}`, '');
    unmount(mounted);
    e2fsck(path);
    expect(indirectLevels(path)).toBe(2);
    expect(readdirSync(`${mountImage(path)}/d`)).toHaveLength(60_000 - 600 + 3000);
  });

  it('has names of any bytes', async () => {
    const bytes = Array.from({ length: 255 }, (_, i) => String.fromCharCode(i + 1)).filter(
      (c) => c !== '/' && c !== '.',
    );
    const names = [...bytes, '\xff'.repeat(255), '\xff'.repeat(254), '\x80\xfe\r\n', '...', '-rf *'];
    expect(await checkNames(names, 1024)).toBeDefined();
  });

  it('finds every name of high bytes in an index', async () => {
    const names = Array.from({ length: 5000 }, (_, i) => `\xff\x80${i}`.repeat(3));
    expect(indirectLevels(await checkNames(names, 1024))).toBe(1);
  });
});

describe.skipIf(!isReady)('names of one hash', () => {
  /** Names of 255 bytes, and pairs of them with equal hashes. */
  const names = Array.from({ length: 250_000 }, (_, i) => padded(i, 255));
  const hashes = hashesOf(names);
  const order = Uint32Array.from(names.keys()).sort((a, b) => hashes[a]! - hashes[b]!);
  const pairs = order.slice(1).filter((name, i) => hashes[name] === hashes[order[i]!]);

  it('exist', () => expect(pairs.length).toBeGreaterThan(3));

  it.each([0, 1, 2])('stand in two leaves and are found (pair %d)', async (which) => {
    // A leaf holds 15 names; the first of the pair is the last of the second leaf.
    const second = pairs[which]!;
    const place = order.indexOf(second);
    const below = Array.from(order.subarray(0, place - 1))
      .filter((_, i) => i % 1000 === 0)
      .slice(0, 29);
    const above = Array.from(order.subarray(place + 1))
      .filter((_, i) => i % 1000 === 0)
      .slice(0, 30);
    expect(below).toHaveLength(29);
    const chosen = [...below, order[place - 1]!, second, ...above].map((i) => names[i]!);
    const path = await checkNames(chosen, 4096);
    expect(indexHashes(path)).toContain(hashes[second]! + 1);
  });

  it('stand in two nodes and are found', async () => {
    // Blocks of 1 KiB hold 3 names a leaf and 126 leaves a node: the pair's second begins the second node.
    const leaves = 126;
    const second = pairs.find((name) => order.indexOf(name) > 3 * leaves && order.indexOf(name) < names.length - 3000)!;
    const place = order.indexOf(second);
    const around = order.subarray(place - 3 * leaves, place + 3000);
    const path = await checkNames(
      Array.from(around, (i) => names[i]!),
      1024,
    );
    // Once in the root, for the node, and once in the node.
    expect(indexHashes(path).filter((hash) => hash === hashes[second]! + 1)).toHaveLength(2);
  });
});

describe.skipIf(!isReady)('lost+found', () => {
  it('is made with room for names', async () => {
    const { path } = await buildCase([[{ name: 'a' }]]);
    e2fsck(path);
    expect(debugfs(path, 'stat <11>')).toMatch(/Type: directory +Mode: +0700[^]*Links: 2 +Blockcount: 32\n/);
  });

  it.each([1024, 4096] as const)('may come from a layer, with names in it (blocks of %d)', async (blockSize) => {
    const own: TarEntry[] = [{ name: 'lost+found/', mode: 0o711 }, ...filesIn('lost+found', ['a', 'b'])];
    const { path } = await buildCase(
      [
        own,
        filesIn(
          'lost+found',
          Array.from({ length: 500 }, (_, i) => `${i}`),
        ),
      ],
      { blockSize },
    );
    e2fsck(path);
    expect(debugfs(path, 'stat /lost+found')).toMatch(/^Inode: 11 +Type: directory +Mode: +0711/);
    expect(lstatSync(`${mountImage(path)}/lost+found/499`).isFile()).toBe(true);
  });

  it('that a layer removes is made again', async () => {
    const { path } = await buildCase([filesIn('lost+found', ['a']), [{ name: '.wh.lost+found' }]]);
    e2fsck(path);
    expect(debugfs(path, 'ls /lost+found')).not.toContain(' a ');
  });

  it('is a directory', async () => {
    await expect(planCase([[{ name: 'lost+found', data: 'x' }]])).rejects.toMatchObject({
      context: expect.objectContaining({ layer: 0, path: 'lost+found' }) as object,
      what: 'not a directory, which ext4 needs there',
    });
  });
});

describe.skipIf(!isReady)('a deep tree', () => {
  it('is clean', async () => {
    const { path, image } = await buildCase([[{ name: `${'d/'.repeat(5000)}x`, format: 'gnu', data: 'x' }]]);
    e2fsck(path);
    expect(image.plan.inodes.used).toBe(11 + 5001);
  });
});
