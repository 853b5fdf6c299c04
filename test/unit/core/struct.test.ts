import { describe, expect, it } from 'vitest';
import { bytes, high32, low32, roundUp, struct, u8, u16, u32 } from '../../../src/core/struct.ts';

const view = (length: number): DataView => new DataView(new ArrayBuffer(length));
const hex = (from: DataView): string => Buffer.from(from.buffer).toString('hex');

describe('a structure', () => {
  const Example = struct('example', 12, { a: u8(0), b: u16(2), c: u32(4), d: bytes(8, 3) });

  it('writes its fields little-endian at their offsets and leaves other bytes', () => {
    const target = view(16);
    new Uint8Array(target.buffer).fill(0xee);
    Example.write(target, 2, { a: 1, b: 0x0203, c: 0xfffe_fdfc, d: Uint8Array.of(7, 8) });
    expect(hex(target)).toBe('eeee01ee0302fcfdfeff0708eeeeeeee');
  });

  it('leaves fields that are not given', () => {
    const target = view(12);
    Example.write(target, 0, { c: 1 });
    expect(hex(target)).toBe('000000000100000000000000');
  });

  it('writes into a view that begins within its buffer', () => {
    const buffer = new ArrayBuffer(20);
    Example.write(new DataView(buffer, 4), 1, { a: 9, d: Uint8Array.of(5) });
    expect(Array.from(new Uint8Array(buffer)).flatMap((byte, i) => (byte === 0 ? [] : [[i, byte]]))).toEqual([
      [5, 9],
      [13, 5],
    ]);
  });

  it.each([
    [{ a: 256 }, 'example.a cannot hold 256'],
    [{ a: -1 }, 'example.a cannot hold -1'],
    [{ b: 65_536 }, 'example.b cannot hold 65536'],
    [{ c: 2 ** 32 }, 'example.c cannot hold 4294967296'],
    [{ c: 0.5 }, 'example.c cannot hold 0.5'],
    [{ c: Number.NaN }, 'example.c cannot hold NaN'],
    [{ d: new Uint8Array(4) }, 'example.d holds 3 bytes, not 4'],
  ])('refuses %o', (values, message) => {
    expect(() => Example.write(view(12), 0, values)).toThrow(`broken invariant: ${message}`);
  });

  it('refuses fields that it does not have', () => {
    expect(() => Example.write(view(12), 0, { e: 1 } as object)).toThrow('example has no field e');
  });

  it('has fields in order, without overlap, inside', () => {
    expect(() => struct('x', 8, { a: u32(0), b: u16(3) })).toThrow('x.b begins at 3, before 4');
    expect(() => struct('x', 8, { a: u32(4), b: u16(0) })).toThrow('x.b begins at 0, before 8');
    expect(() => struct('x', 5, { a: u16(4) })).toThrow('x has 5 bytes, its fields 6');
  });
});

describe('numbers', () => {
  it('are split into their low and high 32 bits', () => {
    for (const [value, low, high] of [
      [0, 0, 0],
      [2 ** 32 - 1, 0xffff_ffff, 0],
      [2 ** 32, 0, 1],
      [2 ** 53 - 1, 0xffff_ffff, 0x1f_ffff],
    ] as const) {
      expect([low32(value), high32(value)]).toEqual([low, high]);
    }
  });

  it('are rounded up to a unit', () => {
    expect([0, 1, 4096, 4097].map((value) => roundUp(value, 4096))).toEqual([0, 4096, 4096, 8192]);
  });
});
