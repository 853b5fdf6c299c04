/** What a figure is meant to be. */
export interface Target {
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** A target and whether a figure meets it, as two cells of a table; empty without a target. */
export function judged(value: number | undefined, target: Target | undefined): [wanted: string, verdict: string] {
  if (target === undefined) return ['', ''];
  const { atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY } = target;
  const wanted = target.atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  if (value === undefined || Number.isNaN(value)) return [wanted, 'not measured'];
  return [wanted, value >= atLeast && value <= atMost ? 'met' : 'missed'];
}
