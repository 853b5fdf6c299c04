import { describe, expect, it } from 'vitest';
import { UnitAllocator } from '../../../src/overlay/unit-allocator.ts';

describe('UnitAllocator', () => {
  it('gives each unit once until it is given back', () => {
    const allocator = new UnitAllocator();
    expect(allocator.allocate(3)).toEqual({ unit: 2, count: 3 });
    expect(allocator.allocate(1)).toEqual({ unit: 5, count: 1 });
    allocator.free({ unit: 2, count: 1 });
    allocator.free({ unit: 3, count: 2 });
    expect(allocator.allocate(2)).toEqual({ unit: 2, count: 2 });
    expect(allocator.allocate(2)).toEqual({ unit: 4, count: 1 });
    expect(allocator.allocate(2)).toEqual({ unit: 6, count: 2 });
  });

  it('finds the gaps between units in use', () => {
    const allocator = UnitAllocator.withUsed(Uint32Array.of(9, 3), Uint32Array.of(10, 5));
    expect(allocator?.allocate(9)).toEqual({ unit: 5, count: 4 });
    expect(allocator?.allocate(9)).toEqual({ unit: 2, count: 1 });
    expect(allocator?.allocate(9)).toEqual({ unit: 10, count: 9 });
  });

  it('refuses a unit that is used twice, or that is a header', () => {
    expect(UnitAllocator.withUsed(Uint32Array.of(3, 4), Uint32Array.of(5, 6))).toBeUndefined();
    expect(UnitAllocator.withUsed(Uint32Array.of(3, 3), Uint32Array.of(4, 4))).toBeUndefined();
    expect(UnitAllocator.withUsed(Uint32Array.of(1), Uint32Array.of(2))).toBeUndefined();
  });

  it('has an end', () => {
    const allocator = UnitAllocator.withUsed(Uint32Array.of(2), Uint32Array.of(2 ** 32 - 2))!;
    expect(allocator.allocate(9)).toEqual({ unit: 2 ** 32 - 2, count: 1 });
    expect(() => allocator.allocate(1)).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
  });
});
