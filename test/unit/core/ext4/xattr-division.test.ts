import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockRoom, divideXattrs } from '../../../../src/core/ext4/xattr-division.ts';
import { type DiskXattr, entryLength } from '../../../../src/core/ext4/xattr-entries.ts';

/** What an inode of 256 bytes holds of entries and values: its xattrs begin at 160, with a magic, and end in zeros. */
const INODE_ROOM = 256 - 160 - 4 - 4;

const xattr = (name: string, length: number): DiskXattr => ({ index: 1, name, value: new Uint8Array(length) });

/** How a set is divided, by names. */
function divide(set: readonly DiskXattr[], blockSize = 4096): Record<'inode' | 'block' | 'apart', string> | undefined {
  const division = divideXattrs(set, blockSize, INODE_ROOM);
  if (division === undefined) return undefined;
  const names = (has: (position: number) => boolean): string =>
    set
      .filter((_, i) => has(i))
      .map(({ name }) => name)
      .join('');
  const { inInode, apart } = division;
  return {
    inode: names((i) => inInode.has(i)),
    block: names((i) => !inInode.has(i)),
    apart: names((i) => apart.has(i)),
  };
}

describe('a set of xattrs', () => {
  it('stands in the inode where it fits, else in a block, else in both', () => {
    expect(divide([xattr('a', 20), xattr('b', 28)])).toEqual({ inode: 'ab', block: '', apart: '' });
    expect(divide([xattr('a', 20), xattr('b', 29)])).toEqual({ inode: '', block: 'ab', apart: '' });
    // Of 60, 80 and 3984 bytes a block lacks room for 64.
    const both = [xattr('a', 40), xattr('b', 60), xattr('c', 3964)];
    expect(divide(both)).toEqual({ inode: 'b', block: 'ac', apart: '' });
  });

  it('has its longest values apart, as few as do', () => {
    expect(divide([xattr('a', 10), xattr('b', 65_536)])).toEqual({ inode: '', block: 'ab', apart: 'b' });
    const set = [xattr('a', 3000), xattr('b', 3001), xattr('c', 2000), xattr('d', 30)];
    expect(divide(set)).toEqual({ inode: '', block: 'abcd', apart: 'ab' });
    expect(divide(set, 1024)).toEqual({ inode: '', block: 'abcd', apart: 'abc' });
  });

  it('of names alone may be too many', () => {
    const names = (count: number): DiskXattr[] => Array.from({ length: count }, (_, i) => xattr(`${100 + i}`, 0));
    // Each takes 20 bytes; a block of 1 KiB has room for 49, the inode for 4.
    expect(divideXattrs(names(53), 1024, INODE_ROOM)?.inInode.size).toBe(4);
    expect(divideXattrs(names(54), 1024, INODE_ROOM)).toBeUndefined();
    expect(divideXattrs([...names(53), xattr('x', 5000)], 1024, INODE_ROOM)).toBeUndefined();
  });

  it('always fits where it stands', () => {
    const one = fc.tuple(fc.integer({ min: 1, max: 250 }), fc.oneof(fc.nat(100), fc.nat(5000), fc.nat(65_536)));
    fc.assert(
      fc.property(fc.array(one, { maxLength: 20 }), fc.constantFrom(1024, 2048, 4096), (sizes, blockSize) => {
        const set = sizes.map(([name, value]) => xattr('n'.repeat(name), value));
        const least = set.reduce((sum, each) => sum + entryLength(each, true), 0);
        const division = divideXattrs(set, blockSize, INODE_ROOM);
        expect(division !== undefined || least > blockRoom(blockSize)).toBe(true);
        if (division === undefined) return;
        const { inInode, apart } = division;
        const length = (has: (position: number) => boolean): number =>
          set.reduce((sum, each, i) => sum + (has(i) ? entryLength(each, apart.has(i)) : 0), 0);
        expect(length((i) => inInode.has(i))).toBeLessThanOrEqual(INODE_ROOM);
        expect(length((i) => !inInode.has(i))).toBeLessThanOrEqual(blockRoom(blockSize));
        const shortestApart = Math.min(...[...apart].map((i) => set[i]!.value.length));
        const longestKept = Math.max(0, ...set.map(({ value }, i) => (apart.has(i) ? 0 : value.length)));
        expect(longestKept).toBeLessThanOrEqual(shortestApart);
      }),
      { numRuns: 500 },
    );
  });
});
