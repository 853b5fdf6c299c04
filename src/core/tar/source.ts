import type { LayerEntry } from '../layer/entry.ts';
import type { TarPlace } from './place.ts';

/** A range of the uncompressed tar, in bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** What a reader says: the range whose bytes it needs as the next answer, or an entry. */
export type TarStep = { readonly want: ByteRange } | { readonly entry: LayerEntry };

/** The part of a reader's conversation that ends in a `T`. */
export type TarReading<T> = Generator<TarStep, T, Uint8Array>;

/** What is read: its length in bytes, and where the reader stands in it. */
export interface TarSource {
  readonly size: number;
  readonly place: TarPlace;
}

/** The bytes of that range; `layer-truncated` when the tar ends within it. They are the driver's: good until the next want. */
export function* readRange({ size, place }: TarSource, offset: number, length: number): TarReading<Uint8Array> {
  if (offset + length > size) throw truncated(place, offset, length, size);
  const answer = yield { want: { offset, length } };
  if (answer.length < length) throw truncated(place, offset, length, offset + answer.length);
  return answer;
}

/** The error for a range of which the tar, ending at `end`, has only a part. */
export function truncated(place: TarPlace, offset: number, length: number, end: number): Error {
  const what = `the layer ends at 0x${end.toString(16)}, but ${length} bytes are expected from 0x${offset.toString(16)}`;
  return place.error('layer-truncated', what);
}
