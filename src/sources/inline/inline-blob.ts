import type { Blob } from '../layer.ts';

/** Bytes in memory, and behind them those of another blob. */
export class InlineBlob implements Blob {
  readonly #bytes: Uint8Array;
  readonly #files: Blob;

  constructor(bytes: Uint8Array, files: Blob) {
    this.#bytes = bytes;
    this.#files = files;
  }

  /** The memory is the first. */
  get sourceCount(): number {
    return 1 + this.#files.sourceCount;
  }

  readSync(position: number, target: Uint8Array): void {
    const done = this.#copy(position, target);
    if (done < target.length) this.#files.readSync(position + done - this.#bytes.length, target.subarray(done));
  }

  async read(position: number, target: Uint8Array): Promise<void> {
    const done = this.#copy(position, target);
    if (done < target.length) await this.#files.read(position + done - this.#bytes.length, target.subarray(done));
  }

  sourceAt(position: number): number {
    return position < this.#bytes.length ? 0 : 1 + this.#files.sourceAt(position - this.#bytes.length);
  }

  verifySource(source: number): void {
    if (source > 0) this.#files.verifySource(source - 1);
  }

  verifyUnchanged(): void {
    this.#files.verifyUnchanged();
  }

  close(): void {
    this.#files.close();
  }

  /** Fills what of `target` is in memory; returns how much that is. */
  #copy(position: number, target: Uint8Array): number {
    const part = this.#bytes.subarray(position, position + target.length);
    target.set(part);
    return part.length;
  }
}
