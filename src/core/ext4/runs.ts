import { EntryType } from '../layer/entry.ts';
import { entrySegments, isSparse, type LayerIndex } from '../layer/layer-index.ts';
import { NONE, type Tree } from '../tree/tree.ts';
import { metadataBlock } from '../verity/file-tree.ts';

/** Neighbouring blocks of a file that have data; `block` counts in the file. */
export interface Run {
  readonly block: number;
  readonly count: number;
}

/** The runs of a file's data: one for a file without holes, none for an empty one. */
function fileRuns(index: LayerIndex, entry: number, blockSize: number): Run[] {
  const runs: { block: number; count: number }[] = [];
  for (const { offset, length } of entrySegments(index, entry)) {
    const block = Math.floor(offset / blockSize);
    const end = Math.ceil((offset + length) / blockSize);
    const last = runs.at(-1);
    if (last !== undefined && block <= last.block + last.count) last.count = Math.max(last.count, end - last.block);
    else runs.push({ block, count: end - block });
  }
  return runs;
}

/** The layer and the entry that a file's bytes come from; undefined for an inode that is not a file. */
export function fileEntry(tree: Tree, inode: number): { index: LayerIndex; entry: number } | undefined {
  if (tree.inodeType.values[inode] !== EntryType.file) return undefined;
  const layer = tree.inodeLayer.values[inode]!;
  return layer === NONE ? undefined : { index: tree.layers[layer]!, entry: tree.inodeEntry.values[inode]! };
}

/** The same with the `verityBlocks` blocks of fs-verity's metadata, which begin behind the file's end. */
export function runsWithMetadata(index: LayerIndex, entry: number, blockSize: number, verityBlocks: number): Run[] {
  const runs = fileRuns(index, entry, blockSize);
  if (verityBlocks === 0) return runs;
  const block = metadataBlock(index.size[entry]!);
  const last = runs.at(-1);
  if (last === undefined || last.block + last.count < block) return [...runs, { block, count: verityBlocks }];
  return [...runs.slice(0, -1), { block: last.block, count: last.count + verityBlocks }];
}

/** How many blocks a file's data takes. */
export function fileBlocks(index: LayerIndex, entry: number, blockSize: number): number {
  if (!isSparse(index, entry)) return Math.ceil(index.size[entry]! / blockSize);
  return fileRuns(index, entry, blockSize).reduce((sum, { count }) => sum + count, 0);
}
