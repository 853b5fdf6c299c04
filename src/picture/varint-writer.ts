/** Gathers numbers (seven bits a byte, the lowest first) and texts. */
export class VarintWriter {
  #buffer = Buffer.alloc(1 << 16);
  #length = 0;

  /** A whole number from 0 to 2^53 - 1. */
  number(value: number): void {
    this.#reserve(8);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
    this.#buffer[this.#length++] = rest;
  }

  /** Text in UTF-8 behind its length in bytes. */
  text(value: string): void {
    const length = Buffer.byteLength(value);
    this.number(length);
    this.#reserve(length);
    this.#length += this.#buffer.write(value, this.#length);
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#buffer.length) return;
    const grown = Buffer.alloc(2 * (this.#length + length));
    this.#buffer.copy(grown);
    this.#buffer = grown;
  }
}
