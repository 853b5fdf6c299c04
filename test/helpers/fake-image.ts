import type { Image } from '../../src/image/image.ts';

/** A range of zeros, in bytes. */
export interface Hole {
  readonly start: number;
  readonly end: number;
}

/** An image whose bytes follow from their offset, with holes; it counts what is read. Holes come at any granularity. */
export class FakeImage implements Image {
  readonly size: number;
  readonly holes: readonly Hole[];
  bytesRead = 0;
  /** Called with each offset before it is read; may throw. */
  onRead: (offset: number) => void = () => undefined;
  onVerify: () => void = () => undefined;

  constructor(size: number, holes: readonly Hole[] = []) {
    this.size = size;
    this.holes = holes;
  }

  read(offset: number, target: Uint8Array): void {
    if (offset + target.length > this.size) throw new RangeError(`${offset + target.length} of ${this.size}`);
    this.onRead(offset);
    this.bytesRead += target.length;
    for (let i = 0; i < target.length; i++) target[i] = byteAt(offset + i);
    for (const { start, end } of this.holes) {
      if (start < offset + target.length && end > offset) target.fill(0, Math.max(0, start - offset), end - offset);
    }
  }

  async readAsync(offset: number, target: Uint8Array): Promise<void> {
    await Promise.resolve();
    this.read(offset, target);
  }

  *extents(offset: number, length: number): Generator<{ offset: number; length: number; hole: boolean }> {
    let at = offset;
    for (const { start, end } of this.holes) {
      if (start > at) yield { offset: at, length: start - at, hole: false };
      yield { offset: start, length: end - start, hole: true };
      at = end;
    }
    if (offset + length > at) yield { offset: at, length: offset + length - at, hole: false };
  }

  label(offset: number): string {
    return `what lives at ${offset}`;
  }

  verifyUnchanged(): void {
    this.onVerify();
  }

  watched(): this {
    return this;
  }

  close(): void {}
}

/** All bytes of a small image. */
export function bytesOfFake(image: FakeImage): Uint8Array {
  const bytes = new Uint8Array(image.size);
  for (const { offset, length, hole } of image.extents(0, image.size)) {
    for (let i = offset; !hole && i < offset + length; i++) bytes[i] = byteAt(i);
  }
  return bytes;
}

/** Never zero, and other in every block. */
function byteAt(offset: number): number {
  return ((offset ^ (offset >>> 9) ^ (offset >>> 17)) & 0x7f) | 0x80;
}
