import type { Backend, Extent } from '../nbd/index.ts';

/**
 * A part of a backend as one of its own, like a partition of a disk; `start` and `size` are in bytes. It has the methods that the whole has, and
 * closing it closes that.
 */
export function partOfBackend(whole: Backend, start: number, size: number): Backend {
  return {
    size,
    read: (offset, target) => whole.read(start + offset, target),
    ...(whole.write && { write: (offset, source) => whole.write?.(start + offset, source) }),
    ...(whole.zero && { zero: (offset, length, options) => whole.zero?.(start + offset, length, options) }),
    ...(whole.trim && { trim: (offset, length) => whole.trim?.(start + offset, length) }),
    ...(whole.flush && { flush: () => whole.flush?.() }),
    ...(whole.cache && { cache: (offset, length) => whole.cache?.(start + offset, length) }),
    extents: async (offset, length, granularity) => extentsFrom(whole, start, offset, length, granularity),
    close: () => whole.close?.(),
  };
}

async function extentsFrom(
  whole: Backend,
  start: number,
  offset: number,
  length: number,
  granularity: number,
): Promise<Iterable<Extent>> {
  if (whole.extents === undefined) return [{ offset, length, hole: false }];
  const found = await whole.extents(start + offset, length, granularity);
  return Array.from(found, (extent) => ({ ...extent, offset: extent.offset - start }));
}
