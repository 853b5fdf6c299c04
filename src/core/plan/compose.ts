import { assert } from '../errors.ts';
import { lastAtMost } from './blocks-source.ts';
import { type BytesSource, type Plan, RegionKind, type Regions } from './plan.ts';

/** A plan inside another. */
export interface PlacedPlan {
  readonly plan: Plan;
  /** Where it begins in the whole, in bytes. */
  readonly start: number;
  /** The number that its blob 0 has in the whole; the others follow. */
  readonly firstBlob: number;
  /** Stands before its labels: `root: superblock`. */
  readonly name?: string | undefined;
}

/** The label of bytes that no plan takes. */
const UNUSED = 'unused';

/**
 * One plan of several, that are in order and do not overlap, with zeros between them and behind the last up to `size` bytes. Owners
 * stay each plan's own.
 */
export function composePlans(parts: readonly PlacedPlan[], size = endOf(parts.at(-1)!)): Plan {
  const starts = Float64Array.from(parts, ({ start }) => start);
  const partAt = (offset: number): PlacedPlan | undefined => {
    const part = offset < (starts[0] ?? size) ? undefined : parts[lastAtMost(starts, parts.length, offset)];
    return part !== undefined && offset < endOf(part) ? part : undefined;
  };
  return {
    size,
    regions: composeRegions(parts, size),
    bytes: parts.flatMap(({ plan, name }) =>
      name === undefined ? plan.bytes : plan.bytes.map((source) => new NamedSource(source, name)),
    ),
    label: (owner, offset) => {
      const part = partAt(offset);
      return part === undefined ? UNUSED : named(part.plan.label(owner, offset - part.start), part.name);
    },
  };
}

const endOf = ({ plan, start }: PlacedPlan): number => start + plan.size;

const named = (label: string, name: string | undefined): string => (name === undefined ? label : `${name}: ${label}`);

function composeRegions(parts: readonly PlacedPlan[], size: number): Regions {
  const gaps = parts.length + 1;
  const count = parts.reduce((sum, { plan }) => sum + plan.regions.count, gaps);
  const columns = {
    start: new Float64Array(count + 1),
    kind: new Uint8Array(count),
    source: new Uint32Array(count),
    offset: new Float64Array(count),
    owner: new Uint32Array(count),
  };
  let used = 0;
  let end = 0;
  let firstSource = 0;
  const fillTo = (offset: number): void => {
    assert(offset >= end, () => `a plan at ${offset}, the one before ends at ${end}`);
    if (offset > end) columns.start[used++] = end;
    end = offset;
  };
  for (const part of parts) {
    fillTo(part.start);
    copyRegions(columns, used, part, firstSource);
    used += part.plan.regions.count;
    firstSource += part.plan.bytes.length;
    end = endOf(part);
  }
  fillTo(size);
  columns.start[used] = size;
  return {
    count: used,
    start: columns.start.subarray(0, used + 1),
    kind: columns.kind.subarray(0, used),
    source: columns.source.subarray(0, used),
    offset: columns.offset.subarray(0, used),
    owner: columns.owner.subarray(0, used),
  };
}

function copyRegions(
  { start, kind, source, offset, owner }: Omit<Regions, 'count'>,
  at: number,
  { plan, start: begin, firstBlob }: PlacedPlan,
  firstSource: number,
): void {
  const { regions } = plan;
  kind.set(regions.kind, at);
  offset.set(regions.offset, at);
  owner.set(regions.owner, at);
  for (let i = 0; i < regions.count; i++) {
    start[at + i] = begin + regions.start[i]!;
    if (regions.kind[i] === RegionKind.blob) source[at + i] = firstBlob + regions.source[i]!;
    else if (regions.kind[i] === RegionKind.bytes) source[at + i] = firstSource + regions.source[i]!;
  }
}

/** A source whose labels say in which part of the whole it is. */
class NamedSource implements BytesSource {
  readonly length: number;
  readonly labelUnit: number;
  readonly #source: BytesSource;
  readonly #name: string;

  constructor(source: BytesSource, name: string) {
    this.length = source.length;
    this.labelUnit = source.labelUnit;
    this.#source = source;
    this.#name = name;
  }

  read(offset: number, target: Uint8Array): void {
    this.#source.read(offset, target);
  }

  label(offset: number): string {
    return named(this.#source.label(offset), this.#name);
  }

  detail(offset: number): string | undefined {
    return this.#source.detail?.(offset);
  }
}
