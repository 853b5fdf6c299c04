import { deflateRawSync } from 'node:zlib';
import { byteString, displayName } from '../core/bytes.ts';
import { BlockUse } from '../core/ext4/reader/block-use.ts';
import { filesystemKind } from '../core/disk/partition-content.ts';
import { ImageError } from '../core/errors.ts';
import { Filesystem } from '../core/ext4/reader/filesystem.ts';
import { NO_NAME, type Survey, surveyFilesystem } from '../core/ext4/reader/survey.ts';
import { lastAtMost } from '../core/plan/blocks-source.ts';
import { type Plan, RegionKind } from '../core/plan/plan.ts';
import { VarintWriter } from './varint-writer.ts';

/** What tells filesystems apart, in bytes. */
const HEAD_BYTES = 2048;

/** Uses of a block that no filesystem knows: nobody's, and kept for what a higher layer removed. */
const UNUSED = { free: BlockUse.file + 1, kept: BlockUse.file + 2 } as const;

/** What the page is made of. Its columns are described where they are decoded, in `page/decode.ts`. */
export interface PictureData {
  readonly header: {
    readonly title: string;
    /** In bytes. */
    readonly blockSize: number;
    readonly blocks: number;
    readonly uuid: string;
    readonly label: string;
    /** What the layers were opened from, bottom first; none for the file of an image. */
    readonly layers: readonly string[];
    readonly nameCount: number;
    readonly runCount: number;
    readonly inodeSize: number;
    readonly inodesPerGroup: number;
    readonly comparison?: ComparisonSummary;
  };
  /** The columns, compressed (RFC 1951). */
  readonly columns: Uint8Array;
}

interface ComparisonSummary extends Omit<PictureComparison, 'ranges'> {
  readonly markCount: number;
}

/** An image as a picture shows it. */
export interface Pictured {
  readonly size: number;
  read(offset: number, target: Uint8Array): void;
  /** Where it was planned: it knows layers. */
  readonly plan?: Plan | undefined;
}

/** What is told of an image beside what is in it. */
export interface PictureOptions {
  readonly title: string;
  /** What the layers were opened from, bottom first; none for the file of an image. */
  readonly layers?: readonly string[];
  readonly comparison?: PictureComparison;
  /** Called for every name that was read. */
  readonly onName?: () => void;
}

/** How an image differs from another one. */
export interface PictureComparison {
  /** What it is compared with. */
  readonly with: string;
  readonly changes: readonly { readonly path: string; readonly what: string }[];
  /** Ascending, in bytes. */
  readonly ranges: readonly { readonly offset: number; readonly length: number }[];
}

/** Reads what a picture of an image shows: every name, and the use of every block. Throws `image-corrupt`. */
export function pictureData(image: Pictured, { title, layers = [], comparison, onName }: PictureOptions): PictureData {
  const filesystem = filesystemOf(image);
  const survey = surveyFilesystem(filesystem, onName);
  const names = new VarintWriter();
  writeNames(names, survey);
  const runs = new VarintWriter();
  const layerOf = (plan: Plan, offset: number): number => {
    const layer = layerAt(plan, offset);
    // Behind the layers are blobs that are no layers: the metadata of fs-verity.
    return layers.length > 0 && layer >= layers.length ? -1 : layer;
  };
  const runCount = writeRuns(runs, survey, filesystem.superblock, image.plan, layerOf);
  const { blockSize, blocks, fields, inodeSize } = filesystem.superblock;
  const header = {
    title,
    blockSize,
    blocks,
    uuid: Buffer.from(fields.s_uuid).toString('hex'),
    label: displayName(byteString(fields.s_volume_name).replace(/\0.*$/s, '')),
    layers,
    nameCount: survey.nameCount,
    runCount,
    inodeSize,
    inodesPerGroup: fields.s_inodes_per_group,
    ...(comparison !== undefined && { comparison: summaryOf(comparison) }),
  };
  const marks = new VarintWriter();
  writeMarks(marks, comparison?.ranges ?? [], blockSize, blocks);
  return { header, columns: deflateRawSync(Buffer.concat([names.bytes(), runs.bytes(), marks.bytes()])) };
}

/** Throws `image-unsupported` for FAT, whose blocks no picture shows. */
function filesystemOf(image: Pictured): Filesystem {
  const head = new Uint8Array(Math.min(HEAD_BYTES, image.size));
  image.read(0, head);
  if (filesystemKind(head) !== 'fat') return new Filesystem(image);
  throw new ImageError('image-unsupported', 'a picture of FAT: they are drawn of ext2, ext3 and ext4');
}

function summaryOf({ with: other, changes, ranges }: PictureComparison): ComparisonSummary {
  return { with: other, changes, markCount: ranges.length };
}

/** Ranges of blocks, each after the end of the one before. */
function writeMarks(out: VarintWriter, ranges: PictureComparison['ranges'], blockSize: number, blocks: number): void {
  let end = 0;
  for (const { offset, length } of ranges) {
    const first = Math.min(Math.max(Math.floor(offset / blockSize), end), blocks);
    const last = Math.min(Math.max(Math.ceil((offset + length) / blockSize), first), blocks);
    out.number(first - end);
    out.number(last - first);
    end = last;
  }
}

function writeNames(out: VarintWriter, survey: Survey): void {
  for (let i = 0; i < survey.nameCount; i++) {
    const start = i === 0 ? 0 : survey.nameEnd[i - 1]!;
    out.number(i - survey.nameParent[i]!);
    out.text(displayName(byteString(survey.nameBytes.subarray(start, survey.nameEnd[i]))));
    out.number(survey.nameIno[i]!);
    out.number(survey.nameType[i]!);
    out.number(survey.nameSize[i]!);
  }
}

/** Runs without gap: what no inode and no table has is free, or kept. Returns how many. */
function writeRuns(
  out: VarintWriter,
  survey: Survey,
  { blockSize, blocks }: { readonly blockSize: number; readonly blocks: number },
  plan: Plan | undefined,
  layerOf: (plan: Plan, offset: number) => number,
): number {
  let count = 0;
  let end = 0;
  const put = (to: number, use: number, layer: number, name: number): void => {
    if (to <= end) return;
    out.number(to - end);
    out.number(use);
    out.number(layer + 1);
    out.number(name === NO_NAME ? 0 : name + 1);
    count++;
    end = to;
  };
  const fill = (to: number): void => {
    for (; end < to; ) {
      const gap = plan === undefined ? { use: UNUSED.free, to } : gapAt(plan, end * blockSize, blockSize);
      put(Math.min(gap.to, to), gap.use, -1, NO_NAME);
    }
  };
  for (let i = 0; i < survey.runCount; i++) {
    const start = survey.runStart[i]!;
    fill(Math.min(start, blocks));
    const use = survey.runUse[i]!;
    const layer = plan !== undefined && use === BlockUse.file ? layerOf(plan, start * blockSize) : -1;
    put(Math.min(start + survey.runLength[i]!, blocks), use, layer, survey.runName[i]!);
  }
  fill(blocks);
  return count;
}

/** The layer whose bytes are at `offset`, or follow there in the same file; -1 for none. */
function layerAt(plan: Plan, offset: number): number {
  const { start, kind, source, owner, count } = plan.regions;
  const first = lastAtMost(start, count, offset);
  for (let region = first; region < count && owner[region] === owner[first]; region++) {
    if (kind[region] === RegionKind.blob) return source[region]!;
  }
  return -1;
}

/** What is at `offset`, which no file has: whether it is kept for one that is gone, and up to which block. */
function gapAt(plan: Plan, offset: number, blockSize: number): { use: number; to: number } {
  const { start, owner, count } = plan.regions;
  const region = lastAtMost(start, count, offset);
  const to = Math.max(Math.floor(start[region + 1]! / blockSize), offset / blockSize + 1);
  return { use: owner[region] === 0 ? UNUSED.free : UNUSED.kept, to };
}
