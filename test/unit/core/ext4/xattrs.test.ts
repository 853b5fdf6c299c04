import { describe, expect, it } from 'vitest';
import { Filesystem } from '../../../../src/core/ext4/reader/filesystem.ts';
import { put } from '../../../helpers/make-tree.ts';
import { plainBytes } from '../../../helpers/memory-plan.ts';
import { planLayers } from '../../../helpers/plan-tree.ts';

describe('more sets of xattrs than are kept divided', () => {
  const count = 5000;
  const valueOf = (i: number): Uint8Array => new TextEncoder().encode(`${i % count} `.repeat(60));
  const files = Array.from({ length: 2 * count }, (_, i) =>
    put(`file-${i}`, 0, { xattrs: [{ name: 'user.own', value: valueOf(i) }] }),
  );
  const bytes = plainBytes(planLayers([files]), []);
  const filesystem = new Filesystem({
    size: bytes.length,
    read: (offset, target) => target.set(bytes.subarray(offset, offset + target.length)),
  });

  it('are whole, and share the blocks of equal ones', () => {
    const blocks = new Map<number, number>();
    for (const { name, ino } of filesystem.names(filesystem.root)) {
      const number = Number(name.replace('file-', ''));
      if (Number.isNaN(number)) continue;
      const inode = filesystem.inode(ino);
      expect(filesystem.xattrs(inode)).toEqual([{ name: 'user.own', value: valueOf(number) }]);
      const block = blocks.get(number % count) ?? inode.xattrBlock;
      blocks.set(number % count, block);
      expect(inode.xattrBlock).toBe(block);
    }
    expect(new Set(blocks.values()).size).toBe(count);
  });
});
