import { InvalidArgumentError } from 'commander';
import { uuidBytes } from '../core/ext4/uuid.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };
const SIZE = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i;

/** `512M`, `1.5G`, `4096`: bytes, in powers of 1024. */
export function parseSize(text: string): number {
  const [, number, unit] = SIZE.exec(text) ?? [];
  const bytes = Number(number) * UNITS[(unit ?? '').toUpperCase()]!;
  if (!Number.isSafeInteger(bytes))
    throw new InvalidArgumentError('A size is a number of bytes, or of K, M, G or T: 512M.');
  return bytes;
}

/** A size, or `10%`. */
export function parseFree(text: string): number | { percent: number } {
  if (!text.endsWith('%')) return parseSize(text);
  const percent = /^\d+(?:\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) : Number.NaN;
  if (!(percent <= 1_000_000)) throw new InvalidArgumentError('Free room is a size or a percentage: 64M, 10%.');
  return { percent };
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,15}$/.test(text)) throw new InvalidArgumentError('A whole number, 1 or more.');
  return Number(text);
}

/** 0 to 65535. */
export function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError('A port is 0 to 65535.');
  return Number(text);
}

/** Adds `HOST` or `HOST:PORT` to those given before. */
export function parseHosts(text: string, before: readonly string[] = []): readonly string[] {
  if (!/^(?:[a-z\d.-]+|\[[a-f\d:]+\])(?::\d{1,5})?$/i.test(text) || !URL.canParse(`http://${text}`))
    throw new InvalidArgumentError('A host is HOST or HOST:PORT.');
  return [...before, text];
}

export function parseSeconds(text: string): number {
  if (!/^\d{1,6}(?:\.\d{1,3})?$/.test(text)) throw new InvalidArgumentError('A number of seconds.');
  return Number(text);
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** `90m`, `12h`, `30d`, `8w`: milliseconds. */
export function parseDuration(text: string): number {
  const [, number, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const seconds = Number(number) * (SECONDS[unit] ?? Number.NaN);
  if (Number.isNaN(seconds)) throw new InvalidArgumentError('A duration is a number of s, m, h, d or w: 30d.');
  return seconds * 1000;
}

/** An offset in bytes: decimal, hexadecimal, or a size. */
export function parseOffset(text: string): number {
  return /^0x[\da-f]{1,13}$/i.test(text) ? Number.parseInt(text, 16) : parseSize(text);
}

export function parseBlockSize(text: string): 1024 | 2048 | 4096 {
  const size = parseSize(text);
  if (size !== 1024 && size !== 2048 && size !== 4096) throw new InvalidArgumentError('1024, 2048 or 4096.');
  return size;
}

/** `UID:GID`, or one number for both. */
export function parseOwner(text: string): { uid: number; gid: number } {
  const [, uid, gid = uid] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(text) ?? [];
  if (uid === undefined) throw new InvalidArgumentError('An owner is UID:GID, in numbers.');
  return { uid: Number(uid), gid: Number(gid) };
}

export function parseModeMask(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) throw new InvalidArgumentError('A mask is up to four octal digits: 022.');
  return Number.parseInt(text, 8);
}

/** 16 bytes from a UUID's 32 hexadecimal digits. */
export function parseUuid(text: string): Uint8Array {
  if (!/^[\da-f]{8}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{12}$/i.test(text)) {
    throw new InvalidArgumentError('A UUID is 32 hexadecimal digits: 01234567-89ab-cdef-0123-456789abcdef.');
  }
  return uuidBytes(text);
}

const ISO_TIME = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** `fixed`, `clamp`, `keep`, seconds since 1970, or an ISO 8601 time with its zone (a date alone is in UTC). */
export function parseMtime(text: string): 'fixed' | 'clamp' | 'keep' | number {
  if (text === 'fixed' || text === 'clamp' || text === 'keep') return text;
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  const [, day] = ISO_TIME.exec(text) ?? [];
  const milliseconds = day !== undefined && isDay(day) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(milliseconds)) {
    throw new InvalidArgumentError('fixed, clamp, keep, seconds since 1970, or a time: 2026-01-01T00:00:00Z.');
  }
  return milliseconds / 1000;
}

/** Whether there is such a day; Date takes 30 February for a day in March. */
function isDay(day: string): boolean {
  const milliseconds = Date.parse(day);
  return !Number.isNaN(milliseconds) && new Date(milliseconds).toISOString().startsWith(day);
}
