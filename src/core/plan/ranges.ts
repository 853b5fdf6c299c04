import { roundUp } from '../struct.ts';
import { lastAtMost } from './blocks-source.ts';
import { type Plan, RegionKind } from './plan.ts';

/** A range of an image, in bytes; a hole is all zeros. */
export interface Range {
  readonly offset: number;
  readonly length: number;
  readonly hole: boolean;
}

/**
 * The holes and the data of a plan between `offset` and `offset + length`, in order and without gap, neighbours of one kind as
 * one. Holes begin and end at multiples of `granularity`, or at the ends of the whole; the rest of a hole counts as data.
 */
export function ranges(plan: Plan, offset: number, length: number, granularity = 1): Generator<Range, void> {
  const end = Math.min(offset + length, plan.size);
  return rangesOf(zeroRuns(plan, offset, end), offset, end, granularity);
}

/** The same between `offset` and `end` from the holes there, which do not touch. All in bytes. */
export function* rangesOf(
  holes: Iterable<{ readonly start: number; readonly end: number }>,
  offset: number,
  end: number,
  granularity: number,
): Generator<Range, void> {
  let data = offset;
  for (const hole of holes) {
    const from = hole.start === offset ? offset : roundUp(hole.start, granularity);
    const to = hole.end === end ? end : Math.floor(hole.end / granularity) * granularity;
    if (to <= from) continue;
    if (from > data) yield { offset: data, length: from - data, hole: false };
    yield { offset: from, length: to - from, hole: true };
    data = to;
  }
  if (end > data) yield { offset: data, length: end - data, hole: false };
}

/** The zero regions between `offset` and `end`, neighbours as one. */
function* zeroRuns(plan: Plan, offset: number, end: number): Generator<{ start: number; end: number }, void> {
  const { start, kind, count } = plan.regions;
  let region = end > offset ? lastAtMost(start, count, offset) : count;
  while (region < count && start[region]! < end) {
    const from = Math.max(start[region]!, offset);
    const zero = kind[region] === RegionKind.zero;
    region++;
    if (!zero) continue;
    while (region < count && kind[region] === RegionKind.zero) region++;
    yield { start: from, end: Math.min(start[region]!, end) };
  }
}
