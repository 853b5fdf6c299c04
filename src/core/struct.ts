import { assert } from './errors.ts';

type NumberKind = 'u8' | 'u16' | 'u32';

/** One field of an on-disk structure: `offset` and `size` in bytes. */
export interface Field<K extends NumberKind | 'bytes' = NumberKind | 'bytes'> {
  readonly kind: K;
  readonly offset: number;
  readonly size: number;
}

export const u8 = (offset: number): Field<'u8'> => ({ kind: 'u8', offset, size: 1 });
export const u16 = (offset: number): Field<'u16'> => ({ kind: 'u16', offset, size: 2 });
export const u32 = (offset: number): Field<'u32'> => ({ kind: 'u32', offset, size: 4 });
export const bytes = (offset: number, size: number): Field<'bytes'> => ({ kind: 'bytes', offset, size });

type Fields = Readonly<Record<string, Field>>;
/** The values of a structure's fields; a field that is left out is zero. */
type Values<F extends Fields> = { -readonly [K in keyof F]?: F[K] extends Field<'bytes'> ? Uint8Array : number };

/** The values of all of a structure's fields, as they were read. */
export type Read<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<'bytes'> ? Uint8Array : number };

/** An on-disk structure: its table of fields, and the encoder and the decoder that the table gives. */
export interface Struct<F extends Fields> {
  readonly size: number;
  readonly fields: F;
  /** Writes the given fields at `at`; throws when a value does not fit its field. Other bytes stay. */
  write(view: DataView, at: number, values: Values<F>): void;
  /** Reads all fields at `at`; fields of bytes are views. Throws RangeError where the view ends before. */
  read(view: DataView, at: number): Read<F>;
}

/**
 * Declares a structure of `size` bytes, little-endian. Fields stand in order of their offsets, inside the structure and without overlap;
 * bytes that no field covers are padding.
 */
export function struct<F extends Fields>(name: string, size: number, fields: F): Struct<F> {
  let end = 0;
  for (const [field, { offset, size: length }] of Object.entries(fields)) {
    assert(offset >= end, `${name}.${field} begins at ${offset}, before ${end}`);
    end = offset + length;
  }
  assert(end <= size, `${name} has ${size} bytes, its fields ${end}`);
  const places = Object.entries(fields);
  return {
    size,
    fields,
    write(view, at, values) {
      for (const [field, value] of Object.entries(values)) {
        const place = fields[field];
        assert(place !== undefined, `${name} has no field ${field}`);
        writeField(view, at, place, value as number | Uint8Array, `${name}.${field}`);
      }
    },
    read(view, at) {
      const values: Record<string, number | Uint8Array> = {};
      for (const [field, place] of places) values[field] = readField(view, at + place.offset, place);
      return values as Read<F>;
    },
  };
}

function readField(view: DataView, at: number, { kind, size: length }: Field): number | Uint8Array {
  if (kind === 'u8') return view.getUint8(at);
  if (kind === 'u16') return view.getUint16(at, true);
  if (kind === 'u32') return view.getUint32(at, true);
  return new Uint8Array(view.buffer, view.byteOffset + at, length);
}

function writeField(view: DataView, at: number, field: Field, value: number | Uint8Array, name: string): void {
  const start = at + field.offset;
  if (typeof value !== 'number') {
    assert(
      field.kind === 'bytes' && value.length <= field.size,
      `${name} holds ${field.size} bytes, not ${value.length}`,
    );
    new Uint8Array(view.buffer, view.byteOffset + start, value.length).set(value);
    return;
  }
  assert(Number.isInteger(value) && value >= 0 && value < 2 ** (8 * field.size), () => `${name} cannot hold ${value}`);
  if (field.kind === 'u8') view.setUint8(start, value);
  else if (field.kind === 'u16') view.setUint16(start, value, true);
  else if (field.kind === 'u32') view.setUint32(start, value, true);
}

/** The low 32 bits of a whole number up to 2^53. */
export const low32 = (value: number): number => value % 0x1_0000_0000;
/** The bits above the low 32 of a whole number up to 2^53. */
export const high32 = (value: number): number => Math.floor(value / 0x1_0000_0000);

/** `value` rounded up to a multiple of `unit`. */
export const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** A whole number from its low and high 32 bits. */
export const from64 = (low: number, high: number): number => low + high * 0x1_0000_0000;

/** A view of the same bytes. */
export const viewOf = (data: Uint8Array): DataView => new DataView(data.buffer, data.byteOffset, data.length);
