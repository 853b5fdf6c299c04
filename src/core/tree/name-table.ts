import type { Column } from '../columns.ts';
import { type HashKey, nameHash } from './name-hash.ts';
import { NONE } from './none.ts';

/** The columns of dentries that names are found by. */
export interface Dentries {
  readonly dentryDirectory: Column<Uint32Array>;
  /** NONE once a dentry is removed. */
  readonly dentryInode: Column<Uint32Array>;
  readonly dentryNameStart: Column<Uint32Array>;
  readonly dentryNameLength: Column<Uint8Array>;
  readonly names: Column<Uint8Array>;
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Finds dentries by directory and name: a hash table with open addressing. */
export class NameTable {
  readonly #dentries: Dentries;
  readonly #key: HashKey;
  #slots = new Uint32Array(256).fill(NONE);
  #slotsUsed = 0;
  /** The last name that was looked for, and its hash: a name that is not there is made next. */
  readonly #last = { directory: NONE, bytes: NO_BYTES, start: 0, end: 0, hash: 0 };

  constructor(dentries: Dentries, key: HashKey) {
    this.#dentries = dentries;
    this.#key = key;
  }

  /** The dentry of the name between `start` and `end` of `bytes`; NONE when none is in the table. */
  find(directory: number, bytes: Uint8Array, start: number, end: number): number {
    const { values: inodes } = this.#dentries.dentryInode;
    const mask = this.#slots.length - 1;
    for (let slot = this.#hash(directory, bytes, start, end) & mask; ; slot = (slot + 1) & mask) {
      const dentry = this.#slots[slot]!;
      if (dentry === NONE) return NONE;
      if (inodes[dentry] !== NONE && this.#is(dentry, directory, bytes, start, end)) return dentry;
    }
  }

  /** Adds a live dentry, whose name is between `start` and `end` of `bytes`. */
  add(dentry: number, directory: number, bytes: Uint8Array, start: number, end: number): void {
    if (2 * (this.#slotsUsed + 1) > this.#slots.length) this.#makeRoom();
    this.#place(dentry, this.#hash(directory, bytes, start, end));
  }

  #hash(directory: number, bytes: Uint8Array, start: number, end: number): number {
    const last = this.#last;
    if (last.directory !== directory || last.start !== start || last.end !== end || last.bytes !== bytes) {
      last.directory = directory;
      last.bytes = bytes;
      last.start = start;
      last.end = end;
      last.hash = nameHash(this.#key, directory, bytes, start, end - start);
    }
    return last.hash;
  }

  #is(dentry: number, directory: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { dentryDirectory, dentryNameLength, dentryNameStart, names } = this.#dentries;
    if (dentryDirectory.values[dentry] !== directory || dentryNameLength.values[dentry] !== end - start) return false;
    let at = dentryNameStart.values[dentry]!;
    for (let i = start; i < end; i++) if (names.values[at++] !== bytes[i]) return false;
    return true;
  }

  /** Drops removed dentries from the table, and doubles it when the live ones need it. */
  #makeRoom(): void {
    const { dentryDirectory, dentryInode, dentryNameLength, dentryNameStart, names } = this.#dentries;
    const live = this.#slots.filter((dentry) => dentry !== NONE && dentryInode.values[dentry] !== NONE);
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(4 * (live.length + 1)))).fill(NONE);
    this.#slotsUsed = 0;
    for (const dentry of live) {
      const directory = dentryDirectory.values[dentry]!;
      const start = dentryNameStart.values[dentry]!;
      this.#place(dentry, nameHash(this.#key, directory, names.values, start, dentryNameLength.values[dentry]!));
    }
  }

  #place(dentry: number, hash: number): void {
    const { values: inodes } = this.#dentries.dentryInode;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    // A removed dentry's slot is taken over: else one name, made again and again, would make all its lookups long.
    while (this.#slots[slot] !== NONE && inodes[this.#slots[slot]!] !== NONE) slot = (slot + 1) & mask;
    if (this.#slots[slot] === NONE) this.#slotsUsed++;
    this.#slots[slot] = dentry;
  }
}
