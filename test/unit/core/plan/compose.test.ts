import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../../../src/core/plan/bytes-source.ts';
import { composePlans } from '../../../../src/core/plan/compose.ts';
import { labelAt, mapRows } from '../../../../src/core/plan/map.ts';
import type { Plan } from '../../../../src/core/plan/plan.ts';
import { RegionsBuilder } from '../../../../src/core/plan/regions.ts';
import { plainBytes } from '../../../helpers/memory-plan.ts';

/** Two bytes that are made, three of blob 1 from 1, and five zeros. */
function small(made: number): Plan {
  const builder = new RegionsBuilder();
  builder.bytes(0, 2, 0);
  builder.blob(2, 3, 1, 1, 7);
  builder.zeroTo(10);
  const source = {
    ...bytesSource(Uint8Array.of(made, made + 1), 'made'),
    detail: (offset: number) => `byte ${offset}`,
  };
  return {
    size: 10,
    regions: builder.finish(),
    bytes: [source],
    label: (owner, offset) => (owner === 0 ? 'free' : `file ${owner} at ${offset}`),
  };
}

const whole = composePlans(
  [
    { plan: small(10), start: 5, firstBlob: 0, name: 'a' },
    { plan: small(20), start: 15, firstBlob: 2 },
  ],
  30,
);

describe('composePlans', () => {
  it('reads each plan at its place, from blobs of its own', () => {
    const blob = (first: number): Uint8Array => Uint8Array.of(first, first + 1, first + 2, first + 3);
    const bytes = plainBytes(whole, [blob(0), blob(100), blob(0), blob(200)]);
    const rest = ' 0 0 0 0 0';
    expect(bytes.join(' ')).toBe(`0 0 0 0 0 10 11 101 102 103${rest} 20 21 201 202 203${rest}${rest}`);
  });

  it('labels by the plan that is there, and its name where it has one', () => {
    expect(Array.from(mapRows(whole), ({ start, label }) => `${start} ${label}`)).toEqual([
      '0 unused',
      '5 a: made',
      '7 a: file 7 at 2',
      '10 a: free',
      '15 made',
      '17 file 7 at 2',
      '20 free',
      '25 unused',
    ]);
    expect(labelAt(whole, 6)).toBe('a: made, byte 1');
  });

  it('ends with its last plan when no size is told', () => {
    expect(composePlans([{ plan: small(0), start: 5, firstBlob: 0 }]).size).toBe(15);
  });

  it('refuses plans that overlap', () => {
    const parts = [0, 9].map((start) => ({ plan: small(0), start, firstBlob: 0 }));
    expect(() => composePlans(parts)).toThrow('a plan at 9, the one before ends at 10');
  });
});
