import { InvalidArgumentError } from 'commander';
import type { FeatureName } from '../core/ext4/features.ts';
import {
  blockSizeValue,
  countValue,
  fatBitsValue,
  featuresValue,
  freeValue,
  journalValue,
  mountOptionsValue,
  mtimeValue,
  type OptionValue,
  ownerValue,
  saltValue,
  sizeValue,
  uuidValue,
} from '../image/option-values.ts';

/** The parser of a value, as commander wants it. */
function argument<T>({ expected, parse }: OptionValue<T>): (text: string) => T {
  return (text) => {
    const value = parse(text);
    if (value === undefined) throw new InvalidArgumentError(`Expected ${expected}.`);
    return value;
  };
}

export const parseSize = argument(sizeValue);
export const parseFree = argument(freeValue);

/** As an option whose value may be missing, it would take the first layer for its value. */
export function parseJournal(text: string): true | number {
  const value = journalValue.parse(text);
  if (value !== undefined) return value;
  throw new InvalidArgumentError(`Expected ${journalValue.expected}; in front of layers it is --journal=auto.`);
}

/** Adds names to those given before. */
export const parseFeatures = (text: string, before: readonly FeatureName[] = []): readonly FeatureName[] => [
  ...before,
  ...argument(featuresValue)(text),
];
export const parseMountOptions = argument(mountOptionsValue);
export const parseCount = argument(countValue);
export const parseFatBits = argument(fatBitsValue);
export const parseBlockSize = argument(blockSizeValue);
export const parseOwner = argument(ownerValue);
export const parseUuid = argument(uuidValue);
export const parseSalt = argument(saltValue);
export const parseMtime = argument(mtimeValue);

/** Adds a value to those given before. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

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

export function parseModeMask(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) throw new InvalidArgumentError('A mask is up to four octal digits: 022.');
  return Number.parseInt(text, 8);
}
