import { lastAtMost } from './blocks-source.ts';
import { type Plan, RegionKind } from './plan.ts';

/** A range of an image, in bytes; a hole is all zeros. */
export interface Range {
  readonly offset: number;
  readonly length: number;
  readonly hole: boolean;
}

/**
 * The holes and the data between `offset` and `offset + length`, in order and without gap, neighbours of one kind as one. A hole
 * shorter than `holeMin` bytes counts as data.
 */
export function* ranges(plan: Plan, offset: number, length: number, holeMin = 1): Generator<Range, void> {
  const { start, kind, count } = plan.regions;
  const end = Math.min(offset + length, plan.size);
  let pendingStart = offset;
  let pendingHole = false;
  for (let region = end > offset ? lastAtMost(start, count, offset) : count; region < count; region++) {
    const from = Math.max(start[region]!, offset);
    if (from >= end) break;
    let next = region + 1;
    const zero = kind[region] === RegionKind.zero;
    while (zero && next < count && kind[next] === RegionKind.zero) next++;
    region = next - 1;
    const hole = zero && Math.min(start[next]!, end) - from >= holeMin;
    if (hole === pendingHole) continue;
    if (from > pendingStart) yield { offset: pendingStart, length: from - pendingStart, hole: pendingHole };
    pendingStart = from;
    pendingHole = hole;
  }
  if (end > pendingStart) yield { offset: pendingStart, length: end - pendingStart, hole: pendingHole };
}

/** What lives at `offset` of an image, for people. */
export function labelAt(plan: Plan, offset: number): string {
  const { start, kind, source, offset: from, owner, count } = plan.regions;
  const region = lastAtMost(start, count, offset);
  if (kind[region] !== RegionKind.bytes) return plan.label(owner[region]!, offset);
  return plan.bytes[source[region]!]!.label(from[region]! + offset - start[region]!);
}
