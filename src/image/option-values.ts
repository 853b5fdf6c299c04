import { uuidBytes } from '../core/ext4/uuid.ts';
import { type FeatureName, OPTIONAL_FEATURES } from '../core/ext4/features.ts';
import { DEFAULT_MOUNT_OPTIONS, type MountOption } from '../core/ext4/format/mount-options.ts';
import type { MetadataPolicy } from '../core/tree/metadata.ts';
import { FAT_BITS, type FatBits } from '../core/fat/options.ts';
import { SALT_LENGTH_MAX } from '../core/verity/format.ts';

/** How people write a value: on a command line, or in a definition. */
export interface OptionValue<T> {
  /** What is expected, for messages: `a number of bytes, or of K, M, G or T: 512M`. */
  readonly expected: string;
  /** Undefined for anything else. */
  readonly parse: (text: string) => T | undefined;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };
const SIZE = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i;

/** `512M`, `1.5G`, `4096`: bytes, in powers of 1024. */
export const sizeValue: OptionValue<number> = {
  expected: 'a number of bytes, or of K, M, G or T: 512M',
  parse: (text) => {
    const [, number, unit] = SIZE.exec(text) ?? [];
    const bytes = Number(number) * UNITS[(unit ?? '').toUpperCase()]!;
    return Number.isSafeInteger(bytes) ? bytes : undefined;
  },
};

const PERCENT_MAX = 1_000_000;

/** A size, or `10%`. */
export const freeValue: OptionValue<number | { percent: number }> = {
  expected: 'a size or a percentage: 64M, 10%',
  parse: (text) => {
    if (!text.endsWith('%')) return sizeValue.parse(text);
    const percent = /^\d+(?:\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) : Number.NaN;
    return percent <= PERCENT_MAX ? { percent } : undefined;
  },
};

export const countValue: OptionValue<number> = {
  expected: 'a whole number, 1 or more',
  parse: (text) => (/^[1-9]\d{0,15}$/.test(text) ? Number(text) : undefined),
};

/** True for a size that is chosen, else bytes. */
export const journalValue: OptionValue<true | number> = {
  expected: 'a size, 64M, or auto for the one that mke2fs chooses, which nothing behind it means too',
  parse: (text) => (text === 'auto' ? true : sizeValue.parse(text)),
};

/** Names of features, with commas between them. */
export const featuresValue: OptionValue<readonly FeatureName[]> = {
  expected: `names of ${OPTIONAL_FEATURES.join(', ')}, with commas between them`,
  parse: (text) => parseNames(text, OPTIONAL_FEATURES),
};

const MOUNT_OPTIONS = Object.keys(DEFAULT_MOUNT_OPTIONS) as MountOption[];

/** Names of mount options, with commas between them. */
export const mountOptionsValue: OptionValue<readonly MountOption[]> = {
  expected: `names of ${MOUNT_OPTIONS.join(', ')}, with commas between them`,
  parse: (text) => parseNames(text, MOUNT_OPTIONS),
};

function parseNames<T extends string>(text: string, known: readonly T[]): readonly T[] | undefined {
  const names = text.split(',').map((name) => known.find((each) => each === name));
  return names.includes(undefined) ? undefined : (names as T[]);
}

export const fatBitsValue: OptionValue<FatBits> = {
  expected: '12, 16 or 32',
  parse: (text) => FAT_BITS.find((bits) => String(bits) === text),
};

export const blockSizeValue: OptionValue<1024 | 2048 | 4096> = {
  expected: '1024, 2048 or 4096',
  parse: (text) => {
    const size = sizeValue.parse(text);
    return size === 1024 || size === 2048 || size === 4096 ? size : undefined;
  },
};

/** `UID:GID`, or one number for both. */
export const ownerValue: OptionValue<{ uid: number; gid: number }> = {
  expected: 'an owner as UID:GID, in numbers',
  parse: (text) => {
    const [, uid, gid = uid] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(text) ?? [];
    return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
  },
};

const UUID = /^[\da-f]{8}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{12}$/i;
const VOLUME_ID = /^[\da-f]{4}-[\da-f]{4}$/i;

/** 16 bytes from a UUID's 32 hexadecimal digits, or 4 from the 8 of a FAT's volume id. */
export const uuidValue: OptionValue<Uint8Array> = {
  expected: 'a UUID of 32 hexadecimal digits, 01234567-89ab-cdef-0123-456789abcdef, or with FAT of 8, 1234-ABCD',
  parse: (text) => {
    if (VOLUME_ID.test(text)) return uuidBytes(text).slice(0, 4);
    return UUID.test(text) ? uuidBytes(text) : undefined;
  },
};

/** The bytes of hexadecimal digits; none for `-`. */
export const saltValue: OptionValue<Uint8Array> = {
  expected: 'a salt of up to 256 bytes in hexadecimal digits, or - for none',
  parse: (text) => {
    if (text === '-') return new Uint8Array();
    const isHex = /^(?:[\da-f]{2})+$/i.test(text) && text.length <= 2 * SALT_LENGTH_MAX;
    return isHex ? new Uint8Array(Buffer.from(text, 'hex')) : undefined;
  },
};

/** Seconds since 1970, or an ISO 8601 time with its zone (a date alone is in UTC). */
export const timeValue: OptionValue<number> = {
  expected: 'seconds since 1970, or a time: 2026-01-01T00:00:00Z',
  parse: (text) => {
    if (/^-?\d{1,15}$/.test(text)) return Number(text);
    const [, day] = ISO_TIME.exec(text) ?? [];
    const milliseconds = day !== undefined && isDay(day) ? Date.parse(text) : Number.NaN;
    return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
  },
};

const ISO_TIME = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** `fixed`, `clamp`, `keep`, or a time. */
export const mtimeValue: OptionValue<MetadataPolicy['mtime'] | number> = {
  expected: `fixed, clamp, keep, ${timeValue.expected}`,
  parse: (text) => (text === 'fixed' || text === 'clamp' || text === 'keep' ? text : timeValue.parse(text)),
};

/** Whether there is such a day; Date takes 30 February for a day in March. */
function isDay(day: string): boolean {
  const milliseconds = Date.parse(day);
  return !Number.isNaN(milliseconds) && new Date(milliseconds).toISOString().startsWith(day);
}
