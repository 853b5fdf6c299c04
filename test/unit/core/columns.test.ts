import { describe, expect, it } from 'vitest';
import { f64Column, narrowed, u8Column, u16Column, u32Column } from '../../../src/core/columns.ts';

describe('a column', () => {
  it('grows and keeps its values', () => {
    const column = u32Column();
    for (let i = 0; i < 1000; i++) expect(column.push(i * 3)).toBe(i);
    expect(column.length).toBe(1000);
    expect(column.trimmed()).toEqual(Uint32Array.from({ length: 1000 }, (_, i) => i * 3));
  });

  it('makes room for many values at once, all zeros', () => {
    const column = u8Column();
    column.push(7);
    expect(column.extend(100_000)).toBe(1);
    expect(column.length).toBe(100_001);
    expect(column.trimmed().reduce((sum, value) => sum + value)).toBe(7);
    expect(column.extend(0)).toBe(100_001);
  });

  it('sets values and the one behind the last', () => {
    const column = f64Column();
    for (let i = 0; i < 100; i++) column.set(i, 2 ** 40 + i);
    column.set(3, -1.5);
    expect([column.length, column.values[3], column.values[99]]).toEqual([100, -1.5, 2 ** 40 + 99]);
  });

  it('gives its values without a copy when trimmed', () => {
    const column = u16Column(1);
    column.push(1);
    column.push(2);
    const trimmed = column.trimmed();
    expect([trimmed.length, trimmed.buffer]).toEqual([2, column.values.buffer]);
  });

  it('does not move while it has room', () => {
    const column = u32Column(1000);
    const { values } = column;
    for (let i = 0; i < 1000; i++) column.push(i);
    expect(column.values).toBe(values);
  });
});

describe('narrowed numbers', () => {
  it.each([
    [[], Uint8Array],
    [[0, 255], Uint8Array],
    [[256, 0], Uint16Array],
    [[65_535], Uint16Array],
    [[65_536], Uint32Array],
    [[2 ** 32 - 1, 1], Uint32Array],
    [[2 ** 32], Float64Array],
    [[1, -1], Float64Array],
    [[0.5], Float64Array],
    [[Number.NaN], Float64Array],
  ])('%j are kept whole', (numbers, array) => {
    const narrow = narrowed(Float64Array.from(numbers));
    expect(narrow).toBeInstanceOf(array);
    expect(Array.from(narrow)).toEqual(numbers);
  });

  it('are the same array when they fill it', () => {
    const wide = Uint32Array.of(1, 65_536);
    expect(narrowed(wide)).toBe(wide);
  });
});
