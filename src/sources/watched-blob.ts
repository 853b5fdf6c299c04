import type { Blob } from './layer.ts';

/** How long a source is trusted to be what it was, in milliseconds. */
const TRUST_MILLISECONDS = 100;

/** A blob for long use: no byte is read of a source that has not been seen unchanged a moment before. */
export class WatchedBlob implements Blob {
  readonly #blob: Blob;
  #trustedUntil = 0;

  constructor(blob: Blob) {
    this.#blob = blob;
  }

  readSync(position: number, target: Uint8Array): void {
    this.#look();
    this.#blob.readSync(position, target);
  }

  async read(position: number, target: Uint8Array): Promise<void> {
    this.#look();
    await this.#blob.read(position, target);
  }

  verifyUnchanged(): void {
    this.#blob.verifyUnchanged();
  }

  close(): void {
    this.#blob.close();
  }

  #look(): void {
    const now = performance.now();
    if (now < this.#trustedUntil) return;
    this.#blob.verifyUnchanged();
    this.#trustedUntil = now + TRUST_MILLISECONDS;
  }
}
