import { entrySegments, isSparse, type LayerIndex } from '../layer/layer-index.ts';
import type { BytesSource, Regions } from '../plan/plan.ts';
import { RegionsBuilder } from '../plan/regions.ts';
import type { Tree } from '../tree/tree.ts';
import type { Geometry } from './geometry.ts';
import type { Groups } from './groups.ts';
import type { DataPlacement } from './placement.ts';
import { fileEntry } from './runs.ts';

/** A source that stands somewhere in the image, all of it or a part. */
export interface FixedSource {
  /** Where it begins in the image, in bytes. */
  readonly start: number;
  readonly source: BytesSource;
}

/** A source of contents and the content block where it begins. */
export interface ContentSource {
  readonly block: number;
  readonly source: BytesSource;
}

/** What the regions of an image are made of. */
export interface RegionParts {
  readonly tree: Tree;
  readonly geometry: Geometry;
  readonly groups: Groups;
  readonly data: DataPlacement;
  /** The sources whose place groups decide, but for bitmaps and inode tables. */
  readonly fixed: readonly FixedSource[];
  readonly inodeTable: BytesSource;
  /** In ascending order, in front of all files' data. */
  readonly contents: readonly ContentSource[];
}

/** A file's bytes, and the rest of its last block. */
const REGIONS_PER_FILE = 2;

/** The owner of what belongs to an inode of the tree. */
export const ownerOf = (inode: number): number => inode + 1;

/** All regions of an image in order, and the sources that they name. */
export function buildRegions(parts: RegionParts): { regions: Regions; bytes: readonly BytesSource[] } {
  const { tree, geometry, data } = parts;
  const { blockSize } = geometry;
  const sources = new SourceList();
  const builder = new ContentRegions(geometry, groupPieces(parts, sources), REGIONS_PER_FILE * data.files.length);
  for (const { block, source } of parts.contents) builder.bytes(block * blockSize, source.length, sources.add(source));
  let metadata = 0;
  for (const inode of data.files) metadata += addFile(tree, inode, geometry, data, builder, metadata);
  return { regions: builder.finish(geometry.size), bytes: sources.list };
}

class SourceList {
  readonly list: BytesSource[] = [];

  add(source: BytesSource): number {
    return this.list.push(source) - 1;
  }
}

/** Bytes of a source at a place of the image, in bytes. */
interface Piece {
  readonly start: number;
  readonly length: number;
  readonly source: number;
  readonly offset: number;
}

/** Everything whose place groups decide, in ascending order. */
function groupPieces({ geometry, groups, fixed, inodeTable }: RegionParts, sources: SourceList): Piece[] {
  const pieces: Piece[] = fixed.map(({ start, source }) => {
    return { start, length: source.length, source: sources.add(source), offset: 0 };
  });
  const { blockSize, inodeSize, inodeTableBlocksPerGroup } = geometry;
  const bitmaps = [groups.bitmaps('block'), groups.bitmaps('inode')].map((source) => sources.add(source));
  const table = sources.add(inodeTable);
  const inodesPerBlock = blockSize / inodeSize;
  for (let group = 0; group < geometry.groups; group++) {
    const add = (block: number, blocks: number, source: number, unit: number): void => {
      if (blocks === 0) return;
      pieces.push({ start: block * blockSize, length: blocks * blockSize, source, offset: group * unit * blockSize });
    };
    add(geometry.blockBitmaps[group]!, groups.blockUninit(group) ? 0 : 1, bitmaps[0]!, 1);
    add(geometry.inodeBitmaps[group]!, groups.inodeUninit(group) ? 0 : 1, bitmaps[1]!, 1);
    const used = Math.ceil(groups.inodesInitialized(group) / inodesPerBlock);
    add(geometry.inodeTables[group]!, used, table, inodeTableBlocksPerGroup);
  }
  return pieces.sort((a, b) => a.start - b.start);
}

/** Builds regions of contents in ascending order, which go around the pieces that groups begin with. */
class ContentRegions {
  readonly #builder: RegionsBuilder;
  readonly #geometry: Geometry;
  readonly #pieces: readonly Piece[];
  #next = 0;
  /** Content bytes up to `#runEnd` lie `#shift` bytes further back in the image. */
  #runEnd = 0;
  #shift = 0;

  /** `dataRegions` is about how many regions of files' data there will be. */
  constructor(geometry: Geometry, pieces: readonly Piece[], dataRegions: number) {
    this.#builder = new RegionsBuilder(dataRegions + 2 * pieces.length + 64);
    this.#geometry = geometry;
    this.#pieces = pieces;
  }

  /** `length` bytes of source `source` from the content byte `content` on. */
  bytes(content: number, length: number, source: number): void {
    for (let done = 0; done < length; ) {
      const count = this.#advanceTo(content + done, length - done);
      this.#builder.bytes(this.#builder.end, count, source, done);
      done += count;
    }
  }

  /** `length` bytes of a layer from `offset` on. */
  blob(content: number, length: number, layer: number, offset: number, owner: number): void {
    for (let done = 0; done < length; ) {
      const count = this.#advanceTo(content + done, length - done);
      this.#builder.blob(this.#builder.end, count, layer, offset + done, owner);
      done += count;
    }
  }

  /** `length` zeros, which belong to `owner`. */
  zeros(content: number, length: number, owner: number): void {
    for (let done = 0; done < length; ) {
      const count = this.#advanceTo(content + done, length - done);
      this.#builder.zeroTo(this.#builder.end + count, owner);
      done += count;
    }
  }

  finish(size: number): Regions {
    this.#passPieces(size);
    this.#builder.zeroTo(size);
    return this.#builder.finish();
  }

  /** Ends the regions in front of a content byte; returns how many of the `length` bytes there follow each other in the image. */
  #advanceTo(content: number, length: number): number {
    const { blockSize, contentBlocks } = this.#geometry;
    if (content >= this.#runEnd) {
      const block = Math.floor(content / blockSize);
      this.#shift = (contentBlocks.blockOf(block) - block) * blockSize;
      this.#runEnd = (block + contentBlocks.contiguousFrom(block)) * blockSize;
    }
    const start = content + this.#shift;
    this.#passPieces(start);
    this.#builder.zeroTo(start);
    return Math.min(length, this.#runEnd - content);
  }

  /** Adds the pieces in front of `end`. */
  #passPieces(end: number): void {
    for (; this.#next < this.#pieces.length && this.#pieces[this.#next]!.start < end; this.#next++) {
      const { start, length, source, offset } = this.#pieces[this.#next]!;
      this.#builder.zeroTo(start);
      this.#builder.bytes(start, length, source, offset);
    }
  }
}

/**
 * A file's data with zeros where its blocks have holes and behind its end, and what fs-verity has of it, which is the next in a blob behind the
 * layers, from `metadata` on; all zeros when the file is gone. Returns how much of that blob the file has, in bytes.
 */
function addFile(
  tree: Tree,
  inode: number,
  { data: dataStart, blockSize }: Geometry,
  data: DataPlacement,
  builder: ContentRegions,
  metadata: number,
): number {
  const owner = ownerOf(inode);
  const start = (dataStart + data.first[inode]!) * blockSize;
  const length = data.count[inode]! * blockSize;
  const file = fileEntry(tree, inode);
  if (file === undefined || tree.inodeDentries.values[inode] === 0) {
    builder.zeros(start, length, owner);
    return 0;
  }
  const metadataLength = (data.verity[inode] ?? 0) * blockSize;
  const end = start + length - metadataLength;
  const layer = tree.inodeLayer.values[inode]!;
  const { index, entry } = file;
  if (isSparse(index, entry)) addSegments(index, entry, { start, end, layer, owner, blockSize }, builder);
  else {
    const size = index.size[entry]!;
    builder.blob(start, size, layer, index.dataOffset[entry]!, owner);
    builder.zeros(start + size, end - start - size, owner);
  }
  builder.blob(end, metadataLength, tree.layers.length, metadata, owner);
  return metadataLength;
}

/** A sparse file's data: segments that share no block stand next to each other in the image. */
function addSegments(
  index: LayerIndex,
  entry: number,
  { start, end, layer, owner, blockSize }: Readonly<Record<'start' | 'end' | 'layer' | 'owner' | 'blockSize', number>>,
  builder: ContentRegions,
): void {
  let from = index.dataOffset[entry]!;
  let runEnd = 0;
  let shift = start;
  let done = start;
  for (const { offset, length } of entrySegments(index, entry)) {
    const firstBlock = Math.floor(offset / blockSize) * blockSize;
    if (firstBlock > runEnd) shift += runEnd - firstBlock;
    builder.zeros(done, shift + offset - done, owner);
    builder.blob(shift + offset, length, layer, from, owner);
    done = shift + offset + length;
    from += length;
    runEnd = Math.ceil((offset + length) / blockSize) * blockSize;
  }
  builder.zeros(done, end - done, owner);
}
