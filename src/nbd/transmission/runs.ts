import type { Extent } from '../backend.ts';
import { State } from '../protocol.ts';

/** Neighbouring bytes with the same flags of `base:allocation`. */
export interface Run {
  length: number;
  readonly state: number;
}

/**
 * The extents from `offset` on as runs: nothing before `offset` or past `end`, neighbours with the same state as one, and
 * every border except the two ends at a multiple of `unit`; what a hole loses by that counts as data. Stops before the
 * `countMax + 1`st run. Always covers at least one unit: what a backend does not know is data.
 */
export function runsOf(extents: Iterable<Extent>, offset: number, end: number, unit: number, countMax: number): Run[] {
  const runs: Run[] = [];
  let at = offset;
  let known = offset;
  for (const extent of extents) {
    if (extent.offset > known || extent.length <= 0) break;
    known = Math.min(extent.offset + extent.length, end);
    const state = stateOf(extent);
    const from = Math.max(at, Math.ceil(extent.offset / unit) * unit);
    const to = known === end ? end : Math.floor(known / unit) * unit;
    if (state !== 0 && to > from) {
      append(runs, from - at, 0);
      append(runs, to - from, state);
      at = to;
    }
    if (known === end || runs.length > countMax) break;
  }
  const dataEnd = known === end ? end : Math.floor(known / unit) * unit;
  append(runs, dataEnd - at, 0);
  if (runs.length === 0) runs.push({ length: Math.min(unit, end - offset), state: 0 });
  return runs.slice(0, countMax);
}

function stateOf({ hole, zero = hole }: Extent): number {
  return (hole ? State.HOLE : 0) | (zero ? State.ZERO : 0);
}

function append(runs: Run[], length: number, state: number): void {
  if (length <= 0) return;
  const last = runs.at(-1);
  if (last?.state === state) last.length += length;
  else runs.push({ length, state });
}
