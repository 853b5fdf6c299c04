import type { DataRun, ReadableFilesystem, ReadableInode } from './filesystem.ts';

const PIECE_BYTES = 256 * 1024;

/** Whether two files of one size hold the same bytes; where both have holes nothing is read. */
export function haveSameContent(
  a: ReadableFilesystem,
  inodeA: ReadableInode,
  b: ReadableFilesystem,
  inodeB: ReadableInode,
): boolean {
  if (inodeA.size !== inodeB.size) return false;
  const [left, right] = [new FileCursor(a, inodeA), new FileCursor(b, inodeB)];
  for (let at = 0; at < inodeA.size; ) {
    const end = Math.min(left.endOfRun(at), right.endOfRun(at), at + PIECE_BYTES);
    if (!(left.isHole && right.isHole) && !equal(left.bytes(at, end), right.bytes(at, end))) return false;
    at = left.isHole && right.isHole ? Math.min(left.runEnd, right.runEnd) : end;
  }
  return true;
}

/** Reads a file in its order, a run of data or a hole at a time. */
class FileCursor {
  readonly #filesystem: ReadableFilesystem;
  readonly #inode: ReadableInode;
  readonly #inline: Uint8Array | undefined;
  readonly #runs: Iterator<DataRun, void>;
  readonly #buffer: Uint8Array;
  #run: DataRun | undefined;
  isHole = false;
  /** Where the run or hole ends that `endOfRun` was last asked for. */
  runEnd = 0;

  constructor(filesystem: ReadableFilesystem, inode: ReadableInode) {
    this.#filesystem = filesystem;
    this.#inode = inode;
    this.#inline = filesystem.inlineFile(inode);
    this.#runs = filesystem.runs(inode);
    this.#buffer = new Uint8Array(Math.min(PIECE_BYTES, inode.size));
    this.#run = this.#runs.next().value ?? undefined;
  }

  /** Where the run or the hole at `at` ends; `at` never goes back. */
  endOfRun(at: number): number {
    if (this.#inline !== undefined) {
      this.isHole = at >= this.#inline.length;
      return (this.runEnd = this.isHole ? this.#inode.size : this.#inline.length);
    }
    while (this.#run !== undefined && this.#run.offset + this.#run.length <= at) {
      this.#run = this.#runs.next().value ?? undefined;
    }
    this.isHole = this.#run === undefined || this.#run.offset > at;
    if (this.#run === undefined) this.runEnd = this.#inode.size;
    else this.runEnd = this.isHole ? this.#run.offset : this.#run.offset + this.#run.length;
    return this.runEnd;
  }

  /** The bytes from `from` to `to`, which are in one run or hole. */
  bytes(from: number, to: number): Uint8Array {
    const target = this.#buffer.subarray(0, to - from);
    if (this.isHole) target.fill(0);
    else if (this.#inline !== undefined) target.set(this.#inline.subarray(from, to));
    else this.#filesystem.read(this.#run!.imageOffset + from - this.#run!.offset, target);
    return target;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
