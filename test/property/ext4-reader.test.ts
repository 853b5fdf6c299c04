import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ByteString, byteString } from '../../src/core/bytes.ts';
import { S_IFMT_OF } from '../../src/core/ext4/format/inode.ts';
import { Filesystem } from '../../src/core/ext4/reader/filesystem.ts';
import type { ReadInode } from '../../src/core/ext4/reader/inode.ts';
import { EntryType } from '../../src/core/layer/entry.ts';
import { openImage } from '../../src/image/open-image.ts';
import * as model from '../helpers/model-differences.ts';
import { type ModelNode, walkModel } from '../helpers/model.ts';
import { meaning, randomStack, type RandomStack } from '../helpers/random-stack.ts';
import { makeTar } from '../helpers/tar-writer.ts';

const RUNS = Number(process.env['BLOCKLOOM_STACKS'] ?? 60);

describe('the reader of random images', () => {
  it('sees what an independent reading of their layers says', { timeout: 60_000 + RUNS * 2000 }, async () => {
    await fc.assert(fc.asyncProperty(randomStack, check), { numRuns: RUNS, seed: 20100101 });
  });
});

async function check(stack: RandomStack): Promise<void> {
  const expected = meaning(stack);
  if (expected === undefined) return;
  const directory = mkdtempSync(join(tmpdir(), 'blockloom-read-'));
  try {
    const layers = stack.layers.map((_, i) => join(directory, `${i}.tar`));
    layers.forEach((path, i) => writeFileSync(path, makeTar(stack.layers[i]!)));
    const { blockSize, placement, symlinkedParents, kind } = stack;
    const options = { blockSize, placement, symlinkedParents, ...kind };
    const image = await openImage({ ...options, layers, mtime: 'keep', cache: false });
    try {
      const description = describeModel(expected, blockSize);
      expect(describeRead(new Filesystem(image), 'lost+found' in description)).toEqual(description);
    } finally {
      image.close();
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Everything of a tree by path; names of one file have one number. */
type Description = Record<ByteString, unknown>;

function describeModel(root: ModelNode, blockSize: number): Description {
  const tree = new Map(walkModel(root));
  const names = model.namesByNode(tree);
  const description: Description = {};
  for (const [path, node] of tree) {
    const isDevice = node.kind === 'character' || node.kind === 'block';
    const ranges = model.blocksOf(node, blockSize);
    description[path] = {
      mode: model.FORMAT_OF_KIND[node.kind] | node.mode,
      owner: [node.uid, node.gid],
      time: model.storedTime(node),
      links: model.linksOf(node, node === root, names.get(node)!.length),
      names: node.kind === 'directory' ? [] : names.get(node)!.toSorted(),
      size: node.kind === 'file' ? node.size : 0,
      target: node.target,
      device: isDevice ? [node.major, node.minor] : [0, 0],
      xattrs: [...node.xattrs]
        .map(([name, value]) => [name, byteString(value)] as const)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
      data: node.kind === 'file' ? ranges.map(({ start, end }) => [start, Math.min(end, node.size)]) : [],
      content: contents(node.size, ranges, (start, length) => model.contentOf(node, start, length)),
    };
  }
  return description;
}

/** lost+found is left out unless a layer has one. */
function describeRead(filesystem: Filesystem, hasLostAndFound: boolean): Description {
  const inodes = new Map<ByteString, ReadInode>([['', filesystem.root]]);
  const names = new Map<number, ByteString[]>();
  for (const [parent, directory] of inodes) {
    if (directory.type !== EntryType.directory) continue;
    for (const { name, ino } of filesystem.names(directory)) {
      const path = parent === '' ? name : `${parent}/${name}`;
      const inode = filesystem.inode(ino);
      expect(filesystem.resolve(path, { followLast: false })?.ino).toBe(ino);
      if (path === 'lost+found' && !hasLostAndFound) continue;
      inodes.set(path, inode);
      names.set(ino, [...(names.get(ino) ?? []), path]);
    }
  }
  const description: Description = {};
  for (const [path, inode] of inodes) description[path] = describeInode(filesystem, inode, names.get(inode.ino) ?? []);
  return description;
}

function describeInode(filesystem: Filesystem, inode: ReadInode, names: readonly ByteString[]): unknown {
  const { type, mode, uid, gid, mtime, links, size, deviceMajor, deviceMinor } = inode;
  for (const time of [inode.atime, inode.ctime, inode.crtime]) expect(time).toEqual(mtime);
  const ranges = type === EntryType.file ? dataOf(filesystem, inode) : [];
  return {
    mode: S_IFMT_OF[type]! | mode,
    owner: [uid, gid],
    time: BigInt(mtime.seconds) * 1_000_000_000n + BigInt(mtime.nanoseconds),
    links,
    names: type === EntryType.directory ? [] : names.toSorted(),
    size: type === EntryType.file ? size : 0,
    target: type === EntryType.symlink ? byteString(filesystem.symlinkTarget(inode)) : '',
    device: [deviceMajor, deviceMinor],
    xattrs: filesystem.xattrs(inode).map(({ name, value }) => [name, byteString(value)]),
    data: ranges.map(({ start, end }) => [start, end]),
    content: contents(type === EntryType.file ? size : 0, ranges, (start, length) => {
      const bytes = new Uint8Array(length);
      expect(filesystem.readFile(inode, start, bytes)).toBe(length);
      return bytes;
    }),
  };
}

/** Where a file has blocks, joined where they follow each other in the file. */
function dataOf(filesystem: Filesystem, inode: ReadInode): { start: number; end: number }[] {
  if (filesystem.inlineFile(inode) !== undefined) return [{ start: 0, end: inode.size }];
  const ranges: { start: number; end: number }[] = [];
  for (const { offset, length } of filesystem.runs(inode)) {
    const previous = ranges.at(-1);
    if (previous?.end === offset) previous.end += length;
    else ranges.push({ start: offset, end: offset + length });
  }
  return ranges;
}

/** All bytes of a short file, and of a long one those where it has blocks. */
function contents(
  size: number,
  ranges: readonly { start: number; end: number }[],
  read: (start: number, length: number) => Uint8Array,
): ByteString[] {
  const wanted = size <= model.WHOLE_MAX ? [{ start: 0, end: size }] : ranges;
  return wanted.map(({ start, end }) => byteString(read(start, Math.min(end, size) - start)));
}
