/** The constants of XXH64, as pairs of 32-bit halves, low first. */
const P1L = 0x85ebca87;
const P1H = 0x9e3779b1;
const P2L = 0x27d4eb4f;
const P2H = 0xc2b2ae3d;
const P3L = 0x9e3779f9;
const P3H = 0x165667b1;
const P4L = 0xc2b2ae63;
const P4H = 0x85ebca77;
const P5L = 0x165667c5;
const P5H = 0x27d4eb2f;

const STRIPE_BYTES = 32;

/**
 * XXH64 with seed 0, the checksum of zstd's frames (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md).
 * In 32-bit halves, since bigint would take longer than the decompression.
 */
export class Xxh64 {
  /** Four accumulators of two halves each, low first. */
  readonly #lanes = Uint32Array.of(add(P1L, P2L), addHigh(P1L, P1H, P2L, P2H), P2L, P2H, 0, 0, -P1L, ~P1H);
  readonly #tail = new Uint8Array(STRIPE_BYTES);
  #tailLength = 0;
  /** In bytes. */
  #length = 0;

  update(bytes: Uint8Array): void {
    let at = 0;
    this.#length += bytes.length;
    if (this.#tailLength > 0) {
      at = Math.min(STRIPE_BYTES - this.#tailLength, bytes.length);
      this.#tail.set(bytes.subarray(0, at), this.#tailLength);
      this.#tailLength += at;
      if (this.#tailLength < STRIPE_BYTES) return;
      consumeStripes(this.#lanes, this.#tail, 0);
      this.#tailLength = 0;
    }
    at = consumeStripes(this.#lanes, bytes, at);
    this.#tail.set(bytes.subarray(at));
    this.#tailLength = bytes.length - at;
  }

  /** The digest's low 32 bits, which is what a zstd frame keeps. */
  digestLow(): number {
    const state = new Uint32Array(2);
    if (this.#length < STRIPE_BYTES) setPair(state, P5L, P5H);
    else this.#mergeLanes(state);
    addPair(state, this.#length >>> 0, Math.floor(this.#length / 2 ** 32));
    this.#mixTail(state);
    avalanche(state);
    return wordOf(state, 0);
  }

  #mergeLanes(state: Uint32Array): void {
    const lanes = this.#lanes;
    [1, 7, 12, 18].forEach((bits, lane) => {
      const rotated = lanes.slice(2 * lane, 2 * lane + 2);
      rotateLeft(rotated, bits);
      addPair(state, wordOf(rotated, 0), wordOf(rotated, 1));
    });
    for (let lane = 0; lane < 8; lane += 2) {
      const mixed = new Uint32Array(2);
      round(mixed, 0, wordOf(lanes, lane), wordOf(lanes, lane + 1));
      xorPair(state, mixed);
      multiply(state, P1L, P1H);
      addPair(state, P4L, P4H);
    }
  }

  #mixTail(state: Uint32Array): void {
    const view = new DataView(this.#tail.buffer, 0, this.#tailLength);
    let offset = 0;
    for (; offset + 8 <= this.#tailLength; offset += 8) {
      const mixed = new Uint32Array(2);
      round(mixed, 0, view.getUint32(offset, true), view.getUint32(offset + 4, true));
      xorPair(state, mixed);
      rotateLeft(state, 27);
      multiply(state, P1L, P1H);
      addPair(state, P4L, P4H);
    }
    if (offset + 4 <= this.#tailLength) {
      const word = Uint32Array.of(view.getUint32(offset, true), 0);
      multiply(word, P1L, P1H);
      xorPair(state, word);
      rotateLeft(state, 23);
      multiply(state, P2L, P2H);
      addPair(state, P3L, P3H);
      offset += 4;
    }
    for (; offset < this.#tailLength; offset++) {
      const word = Uint32Array.of(view.getUint8(offset), 0);
      multiply(word, P5L, P5H);
      xorPair(state, word);
      rotateLeft(state, 11);
      multiply(state, P1L, P1H);
    }
  }
}

/** Feeds whole stripes from `at` on; returns where the rest begins. */
function consumeStripes(lanes: Uint32Array, bytes: Uint8Array, from: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let offset = from;
  for (; offset + STRIPE_BYTES <= bytes.length; offset += STRIPE_BYTES) {
    round(lanes, 0, view.getUint32(offset, true), view.getUint32(offset + 4, true));
    round(lanes, 2, view.getUint32(offset + 8, true), view.getUint32(offset + 12, true));
    round(lanes, 4, view.getUint32(offset + 16, true), view.getUint32(offset + 20, true));
    round(lanes, 6, view.getUint32(offset + 24, true), view.getUint32(offset + 28, true));
  }
  return offset;
}

/** accumulator = rotl(accumulator + input × P2, 31) × P1, for the pair at `lane`. */
function round(lanes: Uint32Array, lane: number, inputLow: number, inputHigh: number): void {
  const productHigh = (highOfProduct(inputLow, P2L) + Math.imul(inputLow, P2H) + Math.imul(inputHigh, P2L)) | 0;
  const productLow = Math.imul(inputLow, P2L) >>> 0;
  const low = wordOf(lanes, lane) + productLow;
  const high = (wordOf(lanes, lane + 1) + productHigh + (low > 0xffffffff ? 1 : 0)) >>> 0;
  const rotatedLow = ((low << 31) | (high >>> 1)) >>> 0;
  const rotatedHigh = ((high << 31) | ((low >>> 0) >>> 1)) >>> 0;
  lanes[lane] = Math.imul(rotatedLow, P1L);
  lanes[lane + 1] = highOfProduct(rotatedLow, P1L) + Math.imul(rotatedLow, P1H) + Math.imul(rotatedHigh, P1L);
}

/** Bits 32 to 63 of the product of two unsigned 32-bit numbers. */
function highOfProduct(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carried = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carried / 0x10000)) | 0;
}

function multiply(pair: Uint32Array, low: number, high: number): void {
  const [a, b] = [wordOf(pair, 0), wordOf(pair, 1)];
  setPair(pair, Math.imul(a, low), highOfProduct(a, low) + Math.imul(a, high) + Math.imul(b, low));
}

function addPair(pair: Uint32Array, low: number, high: number): void {
  setPair(pair, add(wordOf(pair, 0), low), addHigh(wordOf(pair, 0), wordOf(pair, 1), low, high));
}

function xorPair(pair: Uint32Array, other: Uint32Array): void {
  setPair(pair, wordOf(pair, 0) ^ wordOf(other, 0), wordOf(pair, 1) ^ wordOf(other, 1));
}

/** Rotates by 1 to 31 bits. */
function rotateLeft(pair: Uint32Array, bits: number): void {
  const [low, high] = [wordOf(pair, 0), wordOf(pair, 1)];
  setPair(pair, (low << bits) | (high >>> (32 - bits)), (high << bits) | (low >>> (32 - bits)));
}

function avalanche(pair: Uint32Array): void {
  setPair(pair, wordOf(pair, 0) ^ (wordOf(pair, 1) >>> 1), wordOf(pair, 1));
  multiply(pair, P2L, P2H);
  const [low, high] = [wordOf(pair, 0), wordOf(pair, 1)];
  setPair(pair, low ^ ((high << 3) | (low >>> 29)), high ^ (high >>> 29));
  multiply(pair, P3L, P3H);
  setPair(pair, wordOf(pair, 0) ^ wordOf(pair, 1), wordOf(pair, 1));
}

function setPair(pair: Uint32Array, low: number, high: number): void {
  pair[0] = low;
  pair[1] = high;
}

function add(a: number, b: number): number {
  return (a + b) >>> 0;
}

function addHigh(aLow: number, aHigh: number, bLow: number, bHigh: number): number {
  return (aHigh + bHigh + (aLow + bLow > 0xffffffff ? 1 : 0)) >>> 0;
}

function wordOf(words: Uint32Array, index: number): number {
  return words[index] ?? 0;
}
