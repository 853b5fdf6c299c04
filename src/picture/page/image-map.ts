import type { Columns, Header } from './decode.ts';

/** Uses of a block, in the order of their numbers. */
export const USES = [
  'superblock',
  'group descriptors',
  'bitmaps',
  'inode tables',
  'journal',
  'image record',
  'directories',
  'extended attributes',
  'extent trees',
  'symlinks',
  'files',
  'free',
  'kept for what was removed',
] as const;
export const FILE = 10;
export const FREE = 11;
export const KEPT = 12;
const INODE_TABLE = 3;
const DIRECTORY = 6;

/** What images are compared and shared in, in bytes. */
export const CHUNK_BYTES = 512 * 1024;

/** The layout of an image, asked by block, by name, by chunk. */
export class ImageMap {
  readonly header: Header;
  readonly columns: Columns;
  #runsOfName: Map<number, number[]> | undefined;

  constructor(header: Header, columns: Columns) {
    this.header = header;
    this.columns = columns;
  }

  /** The run that has a block. */
  runAt(block: number): number {
    const { runStart } = this.columns;
    let low = 0;
    let high = this.header.runCount;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((runStart[middle] ?? 0) <= block) low = middle;
      else high = middle;
    }
    return low;
  }

  path(name: number): string {
    const { names, nameParent } = this.columns;
    const parts: string[] = [];
    for (let at = name; at > 0; at = nameParent[at] ?? 0) parts.push(names[at] ?? '');
    return `/${parts.reverse().join('/')}`;
  }

  /** Names that contain the text, or whose path does when it has a slash; the shortest paths first. */
  search(text: string, limit: number): number[] {
    const wanted = text.toLowerCase();
    const last = wanted.slice(wanted.lastIndexOf('/') + 1);
    const found: number[] = [];
    for (let i = 0; i < this.columns.names.length && found.length < 20 * limit; i++) {
      if (!(this.columns.names[i] ?? '').toLowerCase().includes(last)) continue;
      if (last === wanted || this.path(i).toLowerCase().includes(wanted)) found.push(i);
    }
    const rank = (name: number): number => (this.path(name).toLowerCase() === wanted ? 0 : this.path(name).length);
    return found.sort((a, b) => rank(a) - rank(b)).slice(0, limit);
  }

  /** The name of a path; -1 where there is none. */
  nameOf(path: string): number {
    return this.search(path, 50).find((name) => this.path(name) === path) ?? -1;
  }

  /** Where a name has something: its data, its inode, the blocks of the directory that it stands in. Pairs of first block and end. */
  places(name: number): { readonly data: number[]; readonly inode: number[]; readonly directory: number[] } {
    const parent = this.columns.nameParent[name] ?? 0;
    const directory = this.#runsOf(parent).filter((run) => this.columns.runUse[run] === DIRECTORY);
    return {
      data: this.#runsOf(this.#firstOfInode(name)).flatMap((run) => this.#range(run)),
      inode: this.#inodeBlock(this.columns.nameIno[name] ?? 0),
      directory: directory.flatMap((run) => this.#range(run)),
    };
  }

  /** Hard links have one place: that of the first of them. */
  #firstOfInode(name: number): number {
    const ino = this.columns.nameIno[name];
    return this.columns.nameIno.indexOf(ino ?? -1);
  }

  #range(run: number): number[] {
    return [this.columns.runStart[run] ?? 0, this.columns.runStart[run + 1] ?? 0];
  }

  #inodeBlock(ino: number): number[] {
    const { inodeSize, inodesPerGroup, blockSize } = this.header;
    const tables = [...this.columns.runUse.keys()].filter((run) => this.columns.runUse[run] === INODE_TABLE);
    const table = tables[Math.floor((ino - 1) / inodesPerGroup)];
    if (table === undefined) return [];
    const block =
      (this.columns.runStart[table] ?? 0) + Math.floor((((ino - 1) % inodesPerGroup) * inodeSize) / blockSize);
    return [block, block + 1];
  }

  #runsOf(name: number): number[] {
    if (this.#runsOfName === undefined) {
      this.#runsOfName = new Map();
      for (const [run, each] of this.columns.runName.entries()) {
        if (each < 0) continue;
        const runs = this.#runsOfName.get(each);
        if (runs === undefined) this.#runsOfName.set(each, [run]);
        else runs.push(run);
      }
    }
    return this.#runsOfName.get(name) ?? [];
  }

  /** How many blocks each group of a grouping has. */
  blocksByGroup(groupOf: (run: number) => number, groups: number): Float64Array {
    const blocks = new Float64Array(groups);
    const { runStart } = this.columns;
    for (let run = 0; run < this.header.runCount; run++) {
      const group = groupOf(run);
      blocks[group] = (blocks[group] ?? 0) + (runStart[run + 1] ?? 0) - (runStart[run] ?? 0);
    }
    return blocks;
  }

  /** What whole chunks hold: by chunk a layer's number, or one of CHUNK. */
  chunks(): Int32Array {
    const perChunk = CHUNK_BYTES / this.header.blockSize;
    const chunks = new Int32Array(Math.ceil(this.header.blocks / perChunk)).fill(CHUNK.free);
    const { runStart, runUse, runLayer } = this.columns;
    for (let run = 0; run < this.header.runCount; run++) {
      const use = runUse[run] ?? FREE;
      if (use === FREE || use === KEPT) continue;
      const what = use === FILE ? (runLayer[run] ?? CHUNK.data) : CHUNK.metadata;
      const kind = what === -1 ? CHUNK.data : what;
      const last = Math.floor(((runStart[run + 1] ?? 0) - 1) / perChunk);
      for (let chunk = Math.floor((runStart[run] ?? 0) / perChunk); chunk <= last; chunk++) {
        const before = chunks[chunk] ?? CHUNK.free;
        chunks[chunk] = before === CHUNK.free || before === kind ? kind : CHUNK.mixed;
      }
    }
    return chunks;
  }
}

/** A chunk that no layer has alone: nothing in it, tables only, files of no known layer, or of several things. */
export const CHUNK = { free: -1, metadata: -2, data: -3, mixed: -4 } as const;

/** Bytes for people. */
export function sizeText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${Number(value.toFixed(value < 10 && unit > 0 ? 1 : 0))} ${units[unit]}`;
}
