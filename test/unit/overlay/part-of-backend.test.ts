import { describe, expect, it } from 'vitest';
import type { Backend } from '../../../src/nbd/index.ts';
import { partOfBackend } from '../../../src/overlay/part-of-backend.ts';

/** A backend of bytes that count, and what it was asked. */
function counted(): { backend: Required<Omit<Backend, 'cache'>>; asked: unknown[] } {
  const asked: unknown[] = [];
  const note = (...what: unknown[]): void => void asked.push(what);
  const backend = {
    size: 100,
    read: (offset: number, target: Uint8Array) => target.forEach((_, i) => (target[i] = offset + i)),
    write: (offset: number, source: Uint8Array) => note('write', offset, source.length),
    zero: (offset: number, length: number) => note('zero', offset, length),
    trim: (offset: number, length: number) => note('trim', offset, length),
    flush: () => note('flush'),
    extents: (offset: number, length: number) => [{ offset, length: length + 5, hole: true }],
    close: () => note('close'),
  };
  return { backend, asked };
}

describe('a part of a backend', () => {
  it('does all at its place in the whole', async () => {
    const { backend, asked } = counted();
    const part = partOfBackend(backend, 40, 20);
    const target = new Uint8Array(3);
    await part.read(5, target);
    expect([part.size, [...target]]).toEqual([20, [45, 46, 47]]);
    await part.write?.(1, new Uint8Array(2));
    await part.zero?.(2, 3, { noHole: false, fast: false });
    await part.trim?.(4, 5);
    await part.flush?.();
    await part.close?.();
    expect(asked).toEqual([['write', 41, 2], ['zero', 42, 3], ['trim', 44, 5], ['flush'], ['close']]);
    expect(await part.extents?.(6, 7, 1)).toEqual([{ offset: 6, length: 12, hole: true }]);
    expect(Object.keys(part)).not.toContain('cache');
  });

  it('of one that is only read is only read, and knows no holes', async () => {
    const part = partOfBackend({ size: 10, read: () => undefined }, 5, 5);
    expect(Object.keys(part)).toEqual(['size', 'read', 'extents', 'close']);
    expect(await part.extents?.(1, 2, 1)).toEqual([{ offset: 1, length: 2, hole: false }]);
  });
});
