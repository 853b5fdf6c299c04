import { assert } from '../core/errors.ts';
import { type Column, f64Column, u32Column } from '../core/columns.ts';
import type { FileIdentity } from './identity.ts';

const IDENTITY_FIELDS = 5;

/** Files of the host that have bytes, in the order of their bytes, in columns: there may be a million. */
export class FileTable {
  /** Where each file's bytes begin in the blob. */
  readonly #start: Column<Float64Array> = f64Column();
  readonly #entry: Column<Uint32Array> = u32Column();
  #identities = new BigInt64Array(64 * IDENTITY_FIELDS);

  get count(): number {
    return this.#start.length;
  }

  /** Appends a file that begins where the one before ends; `entry` is its number in the layer's index. */
  add(entry: number, start: number, { dev, ino, size, mtimeNs, ctimeNs }: FileIdentity): void {
    const at = this.#start.push(start) * IDENTITY_FIELDS;
    this.#entry.push(entry);
    if (at + IDENTITY_FIELDS > this.#identities.length) {
      const grown = new BigInt64Array(this.#identities.length * 2);
      grown.set(this.#identities);
      this.#identities = grown;
    }
    this.#identities.set([dev, ino, size, mtimeNs, ctimeNs], at);
  }

  /** The file that holds byte `position` of the blob. */
  find(position: number): number {
    let low = 0;
    let high = this.count;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.startOf(middle) <= position) low = middle;
      else high = middle;
    }
    assert(low < this.count && position >= 0, 'a position of a directory lies in one of its files');
    return low;
  }

  startOf(file: number): number {
    return this.#start.values[file] ?? 0;
  }

  entryOf(file: number): number {
    return this.#entry.values[file] ?? 0;
  }

  /** In bytes. */
  sizeOf(file: number): number {
    return Number(this.identityOf(file).size);
  }

  identityOf(file: number): FileIdentity {
    const at = file * IDENTITY_FIELDS;
    const [dev = 0n, ino = 0n, size = 0n, mtimeNs = 0n, ctimeNs = 0n] = this.#identities.subarray(
      at,
      at + IDENTITY_FIELDS,
    );
    return { dev: BigInt.asUintN(64, dev), ino: BigInt.asUintN(64, ino), size, mtimeNs, ctimeNs };
  }
}
