/** Bytes that arrived in pieces and are taken in other pieces. */
export class ByteQueue {
  #pieces: Uint8Array[] = [];
  /** The first piece that is not used up; shifting the array for each would be quadratic. */
  #first = 0;
  length = 0;

  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.length += piece.length;
  }

  /** The next `length` bytes; throws RangeError when there are fewer. */
  take(length: number): Uint8Array {
    if (length > this.length) throw new RangeError(`${length} bytes of ${this.length}`);
    const taken = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const piece = this.#next(length - at);
      taken.set(piece, at);
      at += piece.length;
    }
    return taken;
  }

  /** Drops up to `lengthMax` bytes and returns how many. */
  drop(lengthMax: number): number {
    const before = this.length;
    while (before - this.length < lengthMax && this.length > 0) this.#next(lengthMax - (before - this.length));
    return before - this.length;
  }

  #next(lengthMax: number): Uint8Array {
    const first = this.#pieces[this.#first]!;
    const piece = first.subarray(0, lengthMax);
    this.length -= piece.length;
    if (piece.length < first.length) this.#pieces[this.#first] = first.subarray(piece.length);
    else this.#first++;
    if (this.length === 0) {
      this.#pieces = [];
      this.#first = 0;
    }
    return piece;
  }
}
