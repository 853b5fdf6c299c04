import { type Plan, RegionKind } from '../plan/plan.ts';
import { VERITY_BLOCK_SIZE } from './format.ts';

/** Blocks that follow each other in a plan, and what their hashes depend on. */
export type BlockRun =
  /** Zeros; the block behind is none. */
  | { readonly kind: 'zeros'; readonly count: number }
  /** Bytes of a layer from `offset`, alone but for the zeros that fill the last block behind `length` bytes. */
  | {
      readonly kind: 'layer';
      readonly count: number;
      readonly layer: number;
      readonly offset: number;
      readonly length: number;
    }
  /** Anything else. */
  | { readonly kind: 'other'; readonly count: number };

/** The blocks of a plan of whole blocks, in order. */
export function* blockRuns({ size, regions }: Plan): Generator<BlockRun, void> {
  const { start, kind, source, offset } = regions;
  let region = 0;
  for (let at = 0; at < size; ) {
    while (start[region + 1]! <= at) region++;
    const end = start[region + 1]!;
    const whole = Math.floor(
      ((kind[region] === RegionKind.zero ? zerosEnd(regions, region) : end) - at) / VERITY_BLOCK_SIZE,
    );
    let count = Math.max(whole, 1);
    if (whole > 0 && kind[region] === RegionKind.zero) yield { kind: 'zeros', count };
    else if (kind[region] === RegionKind.blob) {
      const isFilled =
        zerosEnd(regions, region + 1) >= at + (whole + 1) * VERITY_BLOCK_SIZE && end % VERITY_BLOCK_SIZE > 0;
      count = isFilled ? whole + 1 : count;
      if (whole === 0 && !isFilled) yield { kind: 'other', count };
      else {
        const from = offset[region]! + at - start[region]!;
        const length = Math.min(end - at, count * VERITY_BLOCK_SIZE);
        yield { kind: 'layer', count, layer: source[region]!, offset: from, length };
      }
    } else yield { kind: 'other', count };
    at += count * VERITY_BLOCK_SIZE;
  }
}

/** Where the zero regions that begin with `region` end; where it begins, when it is none. */
function zerosEnd({ start, kind, count }: Plan['regions'], region: number): number {
  let next = region;
  while (next < count && kind[next] === RegionKind.zero) next++;
  return start[next]!;
}
