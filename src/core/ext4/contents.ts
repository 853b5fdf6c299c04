import { isSparse } from '../layer/layer-index.ts';
import { lastAtMost } from '../plan/blocks-source.ts';
import { NONE, type Tree } from '../tree/tree.ts';
import type { Numbering } from './numbering.ts';
import { fileEntry, type Run, runsWithMetadata } from './runs.ts';
import type { VerityBlocks } from './verity-files.ts';

/** What the blocks of inodes hold, by inode number: where it begins, in content blocks, and how many follow each other. */
export class Contents {
  readonly first: Float64Array;
  readonly count: Float64Array;
  readonly #tree: Tree;
  readonly #numbering: Numbering;
  readonly #blockSize: number;
  readonly #verity: VerityBlocks;
  #sparse: SparseRuns | undefined;

  constructor(tree: Tree, numbering: Numbering, blockSize: number, verity: VerityBlocks) {
    this.first = new Float64Array(numbering.inodeOf.length);
    this.count = new Float64Array(numbering.inodeOf.length);
    this.#tree = tree;
    this.#numbering = numbering;
    this.#blockSize = blockSize;
    this.#verity = verity;
  }

  /** Whether a file may have holes. */
  isSparse(ino: number): boolean {
    const file = this.#fileOf(ino);
    return file !== undefined && (isSparse(file.index, file.entry) || this.hasVerity(ino));
  }

  /** Whether a file has fs-verity: then a Merkle tree and a descriptor stand behind its end. */
  hasVerity(ino: number): boolean {
    return this.#verityBlocks(ino) > 0;
  }

  #verityBlocks(ino: number): number {
    return this.#verity[this.#numbering.inodeOf[ino] ?? NONE] ?? 0;
  }

  /** The blocks of the file, in runs; its content blocks are these, one behind another. */
  runs(ino: number): readonly Run[] {
    const count = this.count[ino]!;
    if (count === 0) return [];
    return this.isSparse(ino) ? this.#sparseRuns(ino).runs : [{ block: 0, count }];
  }

  /** Calls `each` with the parts of an inode's runs between its blocks `from` and `to`, and the content blocks where they begin. */
  forEachRunIn(
    ino: number,
    from: number,
    to: number,
    each: (block: number, content: number, count: number) => void,
  ): void {
    const first = this.first[ino]!;
    if (!this.isSparse(ino)) {
      const end = Math.min(to, this.count[ino]!);
      if (from < end) each(from, first + from, end - from);
      return;
    }
    const { runs, starts, before } = this.#sparseRuns(ino);
    if (runs.length === 0) return;
    for (let i = starts[0]! > from ? 0 : lastAtMost(starts, runs.length, from); i < runs.length; i++) {
      const { block, count } = runs[i]!;
      const start = Math.max(block, from);
      const end = Math.min(block + count, to);
      if (block >= to) break;
      if (start < end) each(start, first + before[i]! + start - block, end - start);
    }
  }

  #sparseRuns(ino: number): SparseRuns {
    if (this.#sparse?.ino === ino) return this.#sparse;
    const file = this.#fileOf(ino)!;
    const runs = runsWithMetadata(file.index, file.entry, this.#blockSize, this.#verityBlocks(ino));
    const starts = Float64Array.from(runs, ({ block }) => block);
    const before = new Float64Array(runs.length);
    for (let i = 1; i < runs.length; i++) before[i] = before[i - 1]! + runs[i - 1]!.count;
    this.#sparse = { ino, runs, starts, before };
    return this.#sparse;
  }

  #fileOf(ino: number): ReturnType<typeof fileEntry> {
    const inode = this.#numbering.inodeOf[ino] ?? NONE;
    return inode === NONE ? undefined : fileEntry(this.#tree, inode);
  }
}

/** The runs of the sparse file that was asked for last: the block where each begins, and how many blocks are in those before. */
interface SparseRuns {
  readonly ino: number;
  readonly runs: readonly Run[];
  readonly starts: Float64Array;
  readonly before: Float64Array;
}
