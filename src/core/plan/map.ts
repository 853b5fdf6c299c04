import { lastAtMost } from './blocks-source.ts';
import { type Plan, RegionKind } from './plan.ts';

/** A part of an image that one thing takes, in bytes. */
export interface MapRow {
  readonly start: number;
  readonly length: number;
  /** All zeros, and never written. */
  readonly zero: boolean;
  readonly label: string;
}

/** What lives where between `offset` and `offset + length`, in order and without gap. */
export function* mapRows(plan: Plan, offset = 0, length = plan.size): Generator<MapRow, void> {
  const { start, kind, count } = plan.regions;
  const end = Math.min(offset + length, plan.size);
  let region = end > offset ? lastAtMost(start, count, offset) : count;
  let pending: { start: number; end: number; zero: boolean; label: string } | undefined;
  for (; region < count && start[region]! < end; region++) {
    const zero = kind[region] === RegionKind.zero;
    for (let from = Math.max(start[region]!, offset); from < Math.min(start[region + 1]!, end); ) {
      const to = Math.min(labelEnd(plan, region, from), end);
      const label = labelOf(plan, region, from);
      if (pending !== undefined && pending.zero === zero && pending.label === label) pending.end = to;
      else {
        if (pending !== undefined) yield row(pending);
        pending = { start: from, end: to, zero, label };
      }
      from = to;
    }
  }
  if (pending !== undefined) yield row(pending);
}

/** What lives at `offset` of an image, as precisely as the plan knows. */
export function labelAt(plan: Plan, offset: number): string {
  const { start, kind, source, offset: from, count } = plan.regions;
  const region = lastAtMost(start, count, offset);
  const label = labelOf(plan, region, offset);
  if (kind[region] !== RegionKind.bytes) return label;
  const detail = plan.bytes[source[region]!]!.detail?.(from[region]! + offset - start[region]!);
  return detail === undefined ? label : `${label}, ${detail}`;
}

function row({ start, end, zero, label }: { start: number; end: number; zero: boolean; label: string }): MapRow {
  return { start, length: end - start, zero, label };
}

function labelOf(plan: Plan, region: number, offset: number): string {
  const { start, kind, source, offset: from, owner } = plan.regions;
  if (kind[region] !== RegionKind.bytes) return plan.label(owner[region]!, offset);
  return plan.bytes[source[region]!]!.label(from[region]! + offset - start[region]!);
}

/** Where the label of `offset` in a region ends. */
function labelEnd(plan: Plan, region: number, offset: number): number {
  const { start, kind, source, offset: from } = plan.regions;
  if (kind[region] !== RegionKind.bytes) return start[region + 1]!;
  const { labelUnit } = plan.bytes[source[region]!]!;
  const within = from[region]! + offset - start[region]!;
  return Math.min(offset + labelUnit - (within % labelUnit), start[region + 1]!);
}
