import type { ByteString } from '../bytes.ts';

const SPACE = 0x20;
const ZERO = 0x30;
const BASE256 = 0x80;
const BASE256_NEGATIVE = 0x40;

/**
 * A number field of a header block: octal digits between blanks, or GNU's base-256 (two's complement, big-endian,
 * marked by the top bit). A blank field is 0. `undefined` when it is neither, or beyond ±(2^53 - 1).
 */
export function headerNumber(block: Uint8Array, offset: number, length: number): number | undefined {
  const first = block[offset] ?? 0;
  if ((first & BASE256) !== 0) return base256(block, offset, length);
  const end = offset + length;
  let at = offset;
  while (at < end && (block[at] === SPACE || block[at] === 0)) at++;
  let value = 0;
  for (; at < end; at++) {
    const digit = (block[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  // What follows the closing blank is of no meaning, as in GNU tar.
  return at === end || block[at] === SPACE || block[at] === 0 ? value : undefined;
}

function base256(block: Uint8Array, offset: number, length: number): number | undefined {
  const negative = ((block[offset] ?? 0) & BASE256_NEGATIVE) !== 0;
  const flip = negative ? 0xff : 0;
  let value = ((block[offset] ?? 0) ^ flip) & 0x7f;
  for (let i = offset + 1; i < offset + length; i++) {
    value = value * 256 + ((block[i] ?? 0) ^ flip);
    if (value > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return negative ? -1 - value : value;
}

/** A decimal number of a PAX record, `-` allowed; `undefined` when it is not one, or beyond ±(2^53 - 1). */
export function decimalNumber(text: ByteString): number | undefined {
  const start = text.charCodeAt(0) === 0x2d ? 1 : 0;
  if (start === text.length) return undefined;
  let value = 0;
  for (let i = start; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
    if (value > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return start === 1 && value !== 0 ? -value : value;
}

export interface TarTime {
  /** Whole seconds since 1970, negative before it. */
  readonly seconds: number;
  /** 0 to 999,999,999, added to the seconds. */
  readonly nanoseconds: number;
}

/**
 * A PAX time, `[-]SECONDS[.FRACTION]`, exact to the nanosecond and rounded down beyond it: `-1.5` is -2 s + 500,000,000 ns.
 * `undefined` when it is not one.
 */
export function paxTime(text: ByteString): TarTime | undefined {
  const dot = text.indexOf('.');
  const whole = decimalNumber(dot < 0 ? text : text.slice(0, dot));
  if (whole === undefined) return undefined;
  const digits = dot < 0 ? '' : text.slice(dot + 1);
  const fraction = digits === '' ? 0 : decimalNumber(digits.slice(0, 9).padEnd(9, '0'));
  if (fraction === undefined || fraction < 0 || !isDigits(digits.slice(9))) return undefined;
  if (text.charCodeAt(0) !== 0x2d) return { seconds: whole, nanoseconds: fraction };
  const nanoseconds = /[1-9]/.test(digits.slice(9)) ? fraction + 1 : fraction;
  return nanoseconds === 0 ? { seconds: whole, nanoseconds } : { seconds: whole - 1, nanoseconds: 1e9 - nanoseconds };
}

function isDigits(text: ByteString): boolean {
  return /^[0-9]*$/.test(text);
}
