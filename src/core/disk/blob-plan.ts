import type { Plan } from '../plan/plan.ts';
import { RegionsBuilder } from '../plan/regions.ts';
import { roundUp } from '../struct.ts';
import { SECTOR_SIZE } from './format/sector.ts';

/** A plan of a whole blob of `length` bytes, its number 0, and zeros behind it up to `size` bytes; default: up to the next sector. */
export function planBlob(length: number, label: string, size = roundUp(length, SECTOR_SIZE)): Plan {
  const builder = new RegionsBuilder();
  builder.blob(0, length, 0, 0, 1);
  builder.zeroTo(size);
  return { size, regions: builder.finish(), bytes: [], label: (owner) => (owner === 0 ? 'unused' : label) };
}
