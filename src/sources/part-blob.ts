import type { Blob } from './layer.ts';

/** A part of another blob, from `start` on, as a blob of its own. Closing it calls `close`. */
export class PartBlob implements Blob {
  readonly #whole: Blob;
  readonly #start: number;
  readonly #close: () => void;

  constructor(whole: Blob, start: number, close: () => void) {
    this.#whole = whole;
    this.#start = start;
    this.#close = close;
  }

  get sourceCount(): number {
    return this.#whole.sourceCount;
  }

  readSync(position: number, target: Uint8Array): void {
    this.#whole.readSync(this.#start + position, target);
  }

  read(position: number, target: Uint8Array): Promise<void> {
    return this.#whole.read(this.#start + position, target);
  }

  sourceAt(position: number): number {
    return this.#whole.sourceAt(this.#start + position);
  }

  verifySource(source: number): void {
    this.#whole.verifySource(source);
  }

  verifyUnchanged(): void {
    this.#whole.verifyUnchanged();
  }

  close(): void {
    this.#close();
  }
}
