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
    this.#blob.readSync(position, target);
  }

  async read(position: number, target: Uint8Array): Promise<void> {
    this.#look(position, target.length);
    await this.#blob.read(position, target);
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
}
