import type { Blob } from './layer.ts';

/** How long a source is trusted to be what it was, in milliseconds. */
const TRUST_MILLISECONDS = 100;

/**
 * A blob for long use: no byte is read of a file that has not been seen unchanged a moment before. Only the files that are
 * read are looked at: a directory may have a million, and one that has changed takes no other with it.
 */
export class WatchedBlob implements Blob {
  readonly #blob: Blob;
  readonly #trustedUntil: Float64Array;

  constructor(blob: Blob) {
    this.#blob = blob;
    this.#trustedUntil = new Float64Array(blob.sourceCount);
  }

  get sourceCount(): number {
    return this.#blob.sourceCount;
  }

  readSync(position: number, target: Uint8Array): void {
    this.#look(position, target.length);
    try {
      this.#blob.readSync(position, target);
    } catch (error) {
      throw this.#reasonOf(error, position, target.length);
    }
  }

  async read(position: number, target: Uint8Array): Promise<void> {
    this.#look(position, target.length);
    try {
      await this.#blob.read(position, target);
    } catch (error) {
      throw this.#reasonOf(error, position, target.length);
    }
  }

  sourceAt(position: number): number {
    return this.#blob.sourceAt(position);
  }

  verifySource(source: number): void {
    this.#blob.verifySource(source);
  }

  verifyUnchanged(): void {
    this.#blob.verifyUnchanged();
  }

  close(): void {
    this.#blob.close();
  }

  #look(position: number, length: number): void {
    if (length === 0) return;
    const now = performance.now();
    const last = this.#blob.sourceAt(position + length - 1);
    for (let source = this.#blob.sourceAt(position); source <= last; source++) {
      if (now < (this.#trustedUntil[source] ?? 0)) continue;
      this.#blob.verifySource(source);
      this.#trustedUntil[source] = now + TRUST_MILLISECONDS;
    }
  }

  /**
   * A file that changed while it was trusted fails a read somewhere, and each read elsewhere; what is said of it has to be the same
   * for all of them, so that it is said once.
   */
  #reasonOf(error: unknown, position: number, length: number): unknown {
    const last = this.#blob.sourceAt(position + length - 1);
    try {
      for (let source = this.#blob.sourceAt(position); source <= last; source++) {
        this.#trustedUntil[source] = 0;
        this.#blob.verifySource(source);
      }
    } catch (changed) {
      return changed;
    }
    return error;
  }
}
