import { STRING_BYTES_MAX } from '../protocol.ts';

/** The data of an option contradicts itself; `isTooBig` when only a limit is exceeded. */
export class OptionDataError extends Error {
  readonly isTooBig: boolean;

  constructor(message: string, isTooBig = false) {
    super(message);
    this.name = 'OptionDataError';
    this.isTooBig = isTooBig;
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A string of the protocol, "Conventions". Throws OptionDataError. */
export function textOf(bytes: Uint8Array): string {
  if (bytes.length > STRING_BYTES_MAX) throw new OptionDataError('a string is longer than 4096 bytes', true);
  if (bytes.includes(0)) throw new OptionDataError('a string contains NUL');
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new OptionDataError('a string is not UTF-8');
  }
}

/** Reads the data of an option from front to back; throws OptionDataError where it is too short. */
class OptionReader {
  readonly #data: Buffer;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  }

  u16(): number {
    return this.#data.readUInt16BE(this.#advance(2));
  }

  u32(): number {
    return this.#data.readUInt32BE(this.#advance(4));
  }

  text(): string {
    const length = this.u32();
    const from = this.#advance(length);
    return textOf(this.#data.subarray(from, from + length));
  }

  end(): void {
    if (this.#at !== this.#data.length) throw new OptionDataError('the option has data behind its end');
  }

  #advance(length: number): number {
    if (length > this.#data.length - this.#at) throw new OptionDataError('the data of the option is truncated');
    this.#at += length;
    return this.#at - length;
  }
}

/** The data of INFO and GO. */
export interface InfoRequest {
  readonly name: string;
  readonly wanted: ReadonlySet<number>;
}

/** Parses the data of INFO and GO. Throws OptionDataError. */
export function parseInfoRequest(data: Uint8Array): InfoRequest {
  const reader = new OptionReader(data);
  const name = reader.text();
  const wanted = new Set<number>();
  for (let count = reader.u16(); count > 0; count--) wanted.add(reader.u16());
  reader.end();
  return { name, wanted };
}

/** The data of LIST_META_CONTEXT and SET_META_CONTEXT. */
export interface ContextRequest {
  readonly name: string;
  readonly queries: readonly string[];
}

/** Parses the data of LIST_META_CONTEXT and SET_META_CONTEXT. Throws OptionDataError. */
export function parseContextRequest(data: Uint8Array): ContextRequest {
  const reader = new OptionReader(data);
  const name = reader.text();
  const queries: string[] = [];
  for (let count = reader.u32(); count > 0; count--) queries.push(reader.text());
  reader.end();
  return { name, queries };
}
