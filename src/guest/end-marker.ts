/** Finds the text that ends a stream, which only the guest's first program knows, and holds back nothing else. */
export class EndMarker {
  readonly #marker: Buffer;
  #held: Buffer = Buffer.alloc(0);
  isFound = false;

  constructor(marker: string) {
    this.#marker = Buffer.from(marker);
  }

  /** What of the stream is known not to be the marker after another chunk. */
  push(chunk: Uint8Array): Uint8Array {
    if (this.isFound) return Buffer.alloc(0);
    const bytes = Buffer.concat([this.#held, chunk]);
    const at = bytes.indexOf(this.#marker);
    this.isFound = at >= 0;
    const end = this.isFound ? at : bytes.length - this.#heldLength(bytes);
    this.#held = bytes.subarray(end);
    return bytes.subarray(0, end);
  }

  /** How many of the last bytes may be the beginning of the marker. */
  #heldLength(bytes: Buffer): number {
    const most = Math.min(bytes.length, this.#marker.length - 1);
    for (let length = most; length > 0; length--) {
      if (bytes.subarray(bytes.length - length).equals(this.#marker.subarray(0, length))) return length;
    }
    return 0;
  }
}
