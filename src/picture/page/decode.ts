/** What stands in the page beside the columns. */
export interface Header {
  readonly title: string;
  readonly blockSize: number;
  readonly blocks: number;
  readonly uuid: string;
  readonly label: string;
  readonly layers: readonly string[];
  readonly nameCount: number;
  readonly runCount: number;
  readonly inodeSize: number;
  readonly inodesPerGroup: number;
  /** Of a comparison: what changed, and how many runs of blocks differ. */
  readonly comparison?: { readonly with: string; readonly changes: readonly Change[]; readonly markCount: number };
}

/** A path that a comparison found changed. */
interface Change {
  readonly path: string;
  readonly what: string;
}

/** Every name and every run of blocks, in columns. */
export interface Columns {
  readonly nameParent: Uint32Array;
  readonly names: readonly string[];
  readonly nameIno: Float64Array;
  readonly nameType: Uint8Array;
  readonly nameSize: Float64Array;
  /** Where each run begins, and behind the last the count of blocks. */
  readonly runStart: Float64Array;
  readonly runUse: Uint8Array;
  /** The layer's number; -1 for none. */
  readonly runLayer: Int32Array;
  /** The name's index; -1 for none. */
  readonly runName: Int32Array;
  /** Pairs of the first block that differs and the first that does not. */
  readonly marks: Float64Array;
}

/** Undoes base64 and deflate. */
export async function inflate(base64: string): Promise<Uint8Array> {
  const compressed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #decoder = new TextDecoder();
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    const length = this.number();
    this.#at += length;
    return this.#decoder.decode(this.#bytes.subarray(this.#at - length, this.#at));
  }
}

/** Reads the columns: of each name its distance to its parent, text, inode, type and size; of each run its length, use, layer and name. */
export function decode(bytes: Uint8Array, { nameCount, runCount, comparison }: Header): Columns {
  const reader = new Reader(bytes);
  const nameParent = new Uint32Array(nameCount);
  const names: string[] = [];
  const nameIno = new Float64Array(nameCount);
  const nameType = new Uint8Array(nameCount);
  const nameSize = new Float64Array(nameCount);
  for (let i = 0; i < nameCount; i++) {
    nameParent[i] = i - reader.number();
    names.push(reader.text());
    nameIno[i] = reader.number();
    nameType[i] = reader.number();
    nameSize[i] = reader.number();
  }
  const runStart = new Float64Array(runCount + 1);
  const runUse = new Uint8Array(runCount);
  const runLayer = new Int32Array(runCount);
  const runName = new Int32Array(runCount);
  for (let i = 0; i < runCount; i++) {
    runStart[i + 1] = (runStart[i] ?? 0) + reader.number();
    runUse[i] = reader.number();
    runLayer[i] = reader.number() - 1;
    runName[i] = reader.number() - 1;
  }
  const marks = new Float64Array(2 * (comparison?.markCount ?? 0));
  let end = 0;
  for (let i = 0; i < marks.length; i++) marks[i] = end += reader.number();
  return { nameParent, names, nameIno, nameType, nameSize, runStart, runUse, runLayer, runName, marks };
}
