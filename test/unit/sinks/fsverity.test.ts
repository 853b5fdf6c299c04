import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FsVerityHash } from '../../../src/sinks/fsverity.ts';
import { scratch } from '../../helpers/scratch.ts';
import { isThere, run, skipped } from '../../helpers/tools.ts';

const BLOCK = 4096;
const noTool = !isThere('fsverity', ['--version']);

function digestOf(bytes: Uint8Array, pieces: readonly number[] = [bytes.length]): string {
  const hash = new FsVerityHash();
  let at = 0;
  for (const length of pieces) {
    hash.update(bytes.subarray(at, at + length));
    at += length;
  }
  return hash.digest();
}

describe('FsVerityHash', () => {
  it.skipIf(skipped(noTool, 'fsverity is missing'))(
    'equals what fsverity computes, at every border of its tree',
    () => {
      const file = join(scratch(), 'file');
      const sizes = [
        0,
        1,
        100,
        4095,
        4096,
        4097,
        8192,
        128 * BLOCK - 1,
        128 * BLOCK,
        128 * BLOCK + 1,
        300 * BLOCK + 17,
      ];
      const pattern = Uint8Array.from({ length: 10_007 }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
      // The tree gets its third level behind 128 * 128 blocks.
      for (const size of [...sizes, 128 * 128 * BLOCK, 128 * 128 * BLOCK + 5]) {
        const bytes = Buffer.alloc(size, pattern);
        writeFileSync(file, bytes);
        expect(digestOf(bytes), `${size} bytes`).toBe(digestOfTool(file));
      }
    },
  );

  it.skipIf(noTool)('equals what fsverity computes of zeros', () => {
    const file = join(scratch(), 'file');
    writeFileSync(file, '');
    for (const size of [1, BLOCK, 127 * BLOCK, 128 * BLOCK, 129 * BLOCK + 3, 128 * 128 * BLOCK + 1, 100_000_000]) {
      truncateSync(file, size);
      const hash = new FsVerityHash();
      hash.zeros(size);
      expect(hash.digest(), `${size} zeros`).toBe(digestOfTool(file));
    }
  });

  it('is the same in whatever pieces, zeros as zeros or as bytes', () => {
    const piece = fc.record({
      blocks: fc.integer({ min: 1, max: 300 }),
      zero: fc.boolean(),
      byte: fc.integer({ min: 1, max: 255 }),
    });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.nat(BLOCK - 1), (pieces, tail) => {
        const asBytes = new FsVerityHash();
        const asZeros = new FsVerityHash();
        const last = { blocks: tail / BLOCK, zero: false, byte: 1 };
        for (const { blocks, zero, byte } of [...pieces, ...(tail > 0 ? [last] : [])]) {
          const bytes = new Uint8Array(blocks * BLOCK).fill(zero ? 0 : byte);
          asBytes.update(bytes);
          if (zero) asZeros.zeros(bytes.length);
          else for (let at = 0; at < bytes.length; at += 7 * BLOCK) asZeros.update(bytes.subarray(at, at + 7 * BLOCK));
        }
        expect(asZeros.digest()).toBe(asBytes.digest());
      }),
      { numRuns: 30 },
    );
  });

  it('takes a tebibyte of zeros at once', () => {
    const hash = new FsVerityHash();
    hash.update(new Uint8Array(BLOCK).fill(1));
    hash.zeros(2 ** 40);
    expect(hash.digest()).toMatch(/^[\da-f]{64}$/);
  });

  it('refuses a piece behind one that ends within a block', () => {
    const hash = new FsVerityHash();
    hash.update(new Uint8Array(100));
    expect(() => hash.zeros(BLOCK)).toThrow('only the last piece');
  });
});

function digestOfTool(file: string): string {
  return run('fsverity', ['digest', '--compact', file]).toString().trim();
}
