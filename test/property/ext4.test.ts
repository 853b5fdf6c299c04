import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordLength, layOutDirectories, LINEAR } from '../../src/core/ext4/directory.ts';
import { featuresOf } from '../../src/core/ext4/features.ts';
import { numberInodes } from '../../src/core/ext4/numbering.ts';
import { BlockClaims, BlockUsage, setBits } from '../../src/core/ext4/usage.ts';
import { orderNames } from '../../src/core/tree/order.ts';
import { ROOT } from '../../src/core/tree/tree.ts';
import { byteString } from '../../src/core/bytes.ts';
import { makeTree, put } from '../helpers/make-tree.ts';

const byte = fc.integer({ min: 1, max: 255 }).filter((code) => code !== 0x2f);
const name = fc
  .array(byte, { minLength: 1, maxLength: 255, size: 'max' })
  .map((codes) => String.fromCharCode(...codes))
  .filter((text) => !/^\.{1,2}$|^\.wh\./.test(text));

const features = featuresOf({ fs: 'ext4', journal: undefined, features: [] });

describe('a directory of any names', () => {
  it('has every name once, in leaves that hold no more than they can, in the order of their hashes', () => {
    const names = fc.uniqueArray(fc.oneof(name, fc.nat(1e6).map(String)), { maxLength: 200, size: 'max' });
    fc.assert(
      fc.property(names, fc.constantFrom(1024, 2048, 4096), (all, blockSize) => {
        const placement = 'stable';
        const tree = makeTree([all.map((each) => put(each))]);
        const numbering = numberInodes(tree, ROOT, placement, features);
        const options = { blockSize, placement, features, inlineValueMax: () => undefined } as const;
        const layout = layOutDirectories(tree, orderNames(tree), numbering, ROOT, options);
        const seen = Array.from(layout.dentries, (dentry) => byteString(tree.nameBytes(dentry)));
        expect(seen.toSorted()).toEqual(all.toSorted());
        const linear = layout.nodes[0] === LINEAR;
        expect(linear ? seen : []).toEqual(linear ? all.toSorted() : []);
        let next = 0;
        layout.leafStart.forEach((start, leaf) => {
          expect(start).toBe(next);
          next = layout.leafEnd[leaf]!;
          const used = seen.slice(start, next).reduce((sum, each) => sum + recordLength(each.length), linear ? 24 : 0);
          expect(used).toBeLessThanOrEqual(blockSize - 12);
          expect(linear || next > start).toBe(true);
          expect(layout.leafHash[leaf]!).toBeGreaterThanOrEqual(layout.leafHash[leaf - 1] ?? 0);
        });
        expect(next).toBe(all.length);
      }),
      { numRuns: 150 },
    );
  });
});

describe('any claims of blocks', () => {
  const BLOCKS = 2000;
  const claims = fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 60 })), {
    maxLength: 30,
  });

  it('are counted and found as in a bitmap', () => {
    fc.assert(
      fc.property(claims, fc.nat(BLOCKS), fc.nat(BLOCKS), (gaps, a, b) => {
        const made = new BlockClaims();
        const plain = new Uint8Array(BLOCKS * 2);
        let at = 0;
        for (const [gap, count] of gaps) {
          at += gap;
          made.add(at, count);
          plain.fill(1, at, at + count);
          at += count;
        }
        const usage = new BlockUsage(made, BLOCKS * 2);
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        expect(usage.countIn(from, to)).toBe(plain.subarray(from, to).reduce((sum, each) => sum + each, 0));
        const found = new Uint8Array(BLOCKS * 2);
        usage.forEachIn(from, to, (start, end) => found.fill(1, start, end));
        expect(found.subarray(from, to)).toEqual(plain.subarray(from, to));
      }),
      { numRuns: 500 },
    );
  });

  it('never overlap', () => {
    const usageOf = (...runs: readonly (readonly [start: number, count: number])[]): BlockUsage => {
      const made = new BlockClaims();
      for (const [start, count] of runs) made.add(start, count);
      return new BlockUsage(made, 100);
    };
    expect(() => usageOf([10, 5], [14, 1])).toThrow('block 14 is claimed twice');
    expect(() => usageOf([50, 10], [10, 5], [20, 40])).toThrow('block 50 is claimed twice');
    expect(() => usageOf([10, 5], [99, 2])).toThrow('block 100 is claimed, of 100');
    expect(usageOf([15, 85], [0, 5], [10, 5]).countIn(0, 100)).toBe(95);
  });

  it('set the bits that they cover', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), (a, b) => {
        const bitmap = new Uint8Array(32);
        setBits(bitmap, Math.min(a, b), Math.max(a, b));
        const bits = Array.from({ length: 256 }, (_, i) => (bitmap[i >> 3]! >> (i & 7)) & 1);
        expect(bits).toEqual(
          Array.from({ length: 256 }, (_, i) => (i >= Math.min(a, b) && i < Math.max(a, b) ? 1 : 0)),
        );
      }),
    );
  });
});
