import { describe, expect, it } from 'vitest';
import { orderByHash } from '../../../../src/core/ext4/directory.ts';
import { indexLevels } from '../../../../src/core/ext4/htree.ts';
import { random } from '../../../helpers/random.ts';

describe('the levels of an index', () => {
  // A root of 1 KiB holds 123 entries, a node 126; of 4 KiB 507 and 510.
  it.each([
    [1024, 1, []],
    [1024, 123, []],
    [1024, 124, [1]],
    [1024, 123 * 126, [123]],
    [1024, 123 * 126 + 1, [1, 124]],
    [1024, 126 * 126 + 1, [2, 127]],
    [1024, 123 * 126 * 126, [123, 123 * 126]],
    [1024, 123 * 126 * 126 + 1, undefined],
    [4096, 507 * 510, [507]],
    [4096, 507 * 510 + 1, [1, 508]],
    [4096, 507 * 510 * 510, [507, 507 * 510]],
    [4096, 507 * 510 * 510 + 1, undefined],
  ] as const)('of blocks of %d bytes over %d leaves', (blockSize, leaves, levels) => {
    expect(indexLevels(leaves, blockSize)).toEqual(levels);
  });
});

describe('names in the order of their hashes', () => {
  it.each([[1000], [2 ** 22 + 1000]])('may be %d', (count) => {
    const next = random(7);
    const hashes = new Uint32Array(2 * count);
    // The first two have one hash, as so many others do.
    for (let i = 2; i < count; i++) hashes[2 * i] = 2 * next(2 ** 16);
    const order = orderByHash(hashes);
    expect(order.subarray(0, 2)).toEqual(Uint32Array.of(0, 1));
    let inversions = 0;
    for (let i = 1; i < count; i++) {
      const [a, b] = [order[i - 1]!, order[i]!];
      const difference = hashes[2 * a]! - hashes[2 * b]!;
      if (difference > 0 || (difference === 0 && a >= b)) inversions++;
    }
    expect(inversions).toBe(0);
  });
});
