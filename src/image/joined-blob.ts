import type { Blob } from '../sources/layer.ts';

/** Bytes that are one part of a blob. */
export interface BlobPart {
  /** In bytes. */
  readonly length: number;
  /** Fills `target` from `position` of the part. */
  readSync(position: number, target: Uint8Array): void;
  /** Throws `layer-changed` when it is no longer what it was. */
  verifyUnchanged(): void;
  close(): void;
}

/** Parts one after another, each a source of its own. */
export class JoinedBlob implements Blob {
  readonly #parts: readonly BlobPart[];
  /** Where each part begins. */
  readonly #starts: readonly number[];

  constructor(parts: readonly BlobPart[]) {
    this.#parts = parts;
    let end = 0;
    this.#starts = parts.map(({ length }) => (end += length) - length);
  }

  get sourceCount(): number {
    return this.#parts.length;
  }

  readSync(position: number, target: Uint8Array): void {
    let part = this.sourceAt(position);
    for (let done = 0; done < target.length; part++) {
      const within = position + done - this.#starts[part]!;
      const length = Math.min(this.#parts[part]!.length - within, target.length - done);
      this.#parts[part]!.readSync(within, target.subarray(done, done + length));
      done += length;
    }
  }

  async read(position: number, target: Uint8Array): Promise<void> {
    await Promise.resolve();
    this.readSync(position, target);
  }

  sourceAt(position: number): number {
    return this.#starts.findLastIndex((start) => start <= position);
  }

  verifySource(source: number): void {
    this.#parts[source]!.verifyUnchanged();
  }

  verifyUnchanged(): void {
    for (const part of this.#parts) part.verifyUnchanged();
  }

  close(): void {
    for (const part of this.#parts) part.close();
  }
}

/** Bytes in memory. */
export function memoryPart(bytes: Uint8Array): BlobPart {
  return {
    length: bytes.length,
    readSync: (position, target) => target.set(bytes.subarray(position, position + target.length)),
    verifyUnchanged: () => undefined,
    close: () => undefined,
  };
}
