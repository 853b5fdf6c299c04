import { type ByteString, bytesOf, byteString } from '../bytes.ts';
import { f64Column, u8Column, u32Column } from '../columns.ts';
import type { ReadableFilesystem, ReadableInode } from './filesystem.ts';
import { EntryType } from '../layer/entry.ts';
import { VisitedDirectories } from './walk.ts';

/** The row of what an inventory begins with. */
const START = 0;

/**
 * Every name below a directory, in columns: row 0 is the directory itself, and parents stand before what they hold. What came with
 * the filesystem, and nobody used, does not count.
 */
export class Inventory {
  readonly #parent = u32Column();
  readonly #ino = f64Column();
  readonly #isDirectory = u8Column();
  readonly #depth = u32Column();
  readonly #nameStart = f64Column();
  readonly #names = u8Column();
  /** When the name's inode has its turn: see `inOrder`. */
  readonly #turn = f64Column();
  /** Of inodes with more than one name: the row of the first one. */
  readonly #firstName = new Map<number, number>();

  constructor(filesystem: ReadableFilesystem, start: ReadableInode) {
    const visited = new VisitedDirectories();
    this.#add(START, '', start, 0);
    for (let row = 0; row < this.#ino.length; row++) {
      if (this.#isDirectory.values[row] === 0) continue;
      const directory = filesystem.inode(this.#ino.values[row]!);
      visited.visit(directory);
      for (const entry of filesystem.sortedNames(directory)) {
        if (filesystem.isUnusedOwn(directory, entry)) continue;
        this.#add(row, entry.name, filesystem.inode(entry.ino), this.#depth.values[row]! + 1);
      }
    }
  }

  #add(parent: number, name: ByteString, { ino, place, type, links }: ReadableInode, depth: number): void {
    const row = this.#parent.push(parent);
    this.#ino.push(ino);
    this.#depth.push(depth);
    this.#isDirectory.push(type === EntryType.directory ? 1 : 0);
    const start = this.#names.extend(name.length);
    this.#names.values.set(bytesOf(name), start);
    this.#nameStart.push(start);
    this.#turn.push(row === START ? 0 : Math.max(place, this.#turn.values[parent]!));
    if (type === EntryType.directory || links < 2) return;
    const first = this.#firstName.get(ino);
    if (first === undefined || this.#turn.values[row]! < this.#turn.values[first]!) this.#firstName.set(ino, row);
  }

  /**
   * The rows of all inodes, each by one of its names: in the order of their places, but that a directory comes before what it
   * holds. Whoever makes inodes in this order numbers them in this order, so that it is the same again for what they make.
   */
  inOrder(): Uint32Array {
    const rows: number[] = [];
    for (let row = 0; row < this.#ino.length; row++) if (this.isFirstName(row)) rows.push(row);
    const [turn, depth, ino] = [this.#turn.values, this.#depth.values, this.#ino.values];
    return Uint32Array.from(rows).sort((a, b) => turn[a]! - turn[b]! || depth[a]! - depth[b]! || ino[a]! - ino[b]!);
  }

  /** The rows of names whose inode another row stands for, in the order of directories. */
  *otherNames(): Generator<{ row: number; first: number }, void> {
    for (let row = 0; row < this.#ino.length; row++) {
      if (!this.isFirstName(row)) yield { row, first: this.#firstName.get(this.#ino.values[row]!)! };
    }
  }

  isFirstName(row: number): boolean {
    const first = this.#isDirectory.values[row] === 1 ? undefined : this.#firstName.get(this.#ino.values[row]!);
    return first === undefined || first === row;
  }

  inoOf(row: number): number {
    return this.#ino.values[row]!;
  }

  /** The path of a row from the beginning, `''` for the beginning itself. */
  path(row: number): ByteString {
    const names: ByteString[] = [];
    for (let at = row; at !== START; at = this.#parent.values[at]!) names.push(this.#name(at));
    return names.reverse().join('/');
  }

  #name(row: number): ByteString {
    const end = row + 1 < this.#nameStart.length ? this.#nameStart.values[row + 1]! : this.#names.length;
    return byteString(this.#names.values.subarray(this.#nameStart.values[row], end));
  }
}
