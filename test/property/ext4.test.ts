import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordLength, layOutDirectories, LINEAR } from '../../src/core/ext4/directory.ts';
import { numberInodes } from '../../src/core/ext4/numbering.ts';
import { BlockUsage, setBits } from '../../src/core/ext4/usage.ts';
import { orderNames } from '../../src/core/tree/order.ts';
import { ROOT } from '../../src/core/tree/tree.ts';
import { byteString } from '../../src/core/bytes.ts';
import { makeTree, put } from '../helpers/make-tree.ts';

const byte = fc.integer({ min: 1, max: 255 }).filter((code) => code !== 0x2f);
const name = fc
  .array(byte, { minLength: 1, maxLength: 255, size: 'max' })
  .map((codes) => String.fromCharCode(...codes))
  .filter((text) => !/^\.{1,2}$|^\.wh\./.test(text));

describe('a directory of any names', () => {
  it('has every name once, in leaves that hold no more than they can, in the order of their hashes', () => {
    const names = fc.uniqueArray(fc.oneof(name, fc.nat(1e6).map(String)), { maxLength: 200, size: 'max' });
    fc.assert(
      fc.property(names, fc.constantFrom(1024, 2048, 4096), (all, blockSize) => {
        const placement = 'stable';
        const tree = makeTree([all.map((each) => put(each))]);
        const layout = layOutDirectories(tree, orderNames(tree), numberInodes(tree, ROOT, placement), ROOT, {
          blockSize,
          placement,
        });
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
        const usage = new BlockUsage(BLOCKS * 2);
        const plain = new Uint8Array(BLOCKS * 2);
        let at = 0;
        for (const [gap, count] of gaps) {
          at += gap;
          usage.claim('blocks', at, count);
          plain.fill(1, at, at + count);
          at += count;
        }
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
    const usage = new BlockUsage(100);
    usage.claim('a', 10, 5);
    expect(() => usage.claim('b', 14, 1)).toThrow('b claims 1 blocks from 14, 15 are taken');
    expect(() => usage.claim('b', 99, 2)).toThrow('broken invariant');
    usage.claim('b', 15, 85);
    expect(usage.countIn(0, 100)).toBe(90);
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
