import { SHORT_NAME_LENGTH } from './format/directory-entry.ts';

const BASE_LENGTH = 8;
const TAIL_DIGITS_MAX = 6;
/** What a short name may hold besides letters and digits. Microsoft FAT Specification, 6.1. */
const SHORT_CHARACTER = /[A-Z0-9$%'\-_@~`!(){}^#&]/;

/** A long name's short form before it is made unique. */
interface Basis {
  readonly base: string;
  readonly extension: string;
  /** Whether the long name is in it whole, but for case. */
  readonly isExact: boolean;
}

/** The short names of a directory's long names, 11 bytes each in their order, and which of them are the long names themselves. */
export interface ShortNames {
  readonly bytes: Uint8Array;
  /** By name: 1 where the short name is the whole name, so that no long name is needed. */
  readonly isWhole: Uint8Array;
}

/**
 * Gives each of a directory's names a short one of its own. Names that have the form of a short name, in whatever case, keep it; the
 * others get the numeric tail that is free, `~1` first, in the order of names. No two names are equal without case. Microsoft FAT
 * Specification, 7.
 */
export function shortNames(names: readonly string[]): ShortNames {
  const bytes = new Uint8Array(names.length * SHORT_NAME_LENGTH);
  const isWhole = new Uint8Array(names.length);
  const bases = names.map(basisOf);
  const taken = new Set<string>();
  bases.forEach((basis, i) => {
    if (!basis.isExact) return;
    const name = padded(basis.base, basis.extension);
    taken.add(name);
    put(bytes, i, name);
    isWhole[i] = joined(basis) === names[i] ? 1 : 0;
  });
  const tails = new Tails(taken);
  bases.forEach((basis, i) => {
    if (!basis.isExact) put(bytes, i, tails.unique(basis));
  });
  return { bytes, isWhole };
}

/** The checksum of a short name that its long name's entries carry. Microsoft FAT Specification, 7.2. */
export function shortNameChecksum(bytes: Uint8Array, start: number): number {
  let sum = 0;
  for (let i = start; i < start + SHORT_NAME_LENGTH; i++) sum = (((sum & 1) << 7) + (sum >> 1) + bytes[i]!) & 0xff;
  return sum;
}

/** Gives out numeric tails. */
class Tails {
  readonly #taken: Set<string>;
  /** By what stands around the tail and its length: the number that was given out last. */
  readonly #last = new Map<string, number>();
  /** By basis: how many digits its tail had last. */
  readonly #digits = new Map<string, number>();

  constructor(taken: Set<string>) {
    this.#taken = taken;
  }

  /** There are 999,999 tails, more than entries in a directory. */
  unique({ base, extension }: Basis): string {
    const basis = `${base}.${extension}`;
    for (let digits = this.#digits.get(basis) ?? 1; digits <= TAIL_DIGITS_MAX; digits++) {
      const stem = base.slice(0, BASE_LENGTH - 1 - digits);
      const key = `${stem}~${digits}.${extension}`;
      const end = 10 ** digits;
      let number = this.#last.get(key) ?? end / 10 - 1;
      while (++number < end) {
        const name = padded(`${stem}~${number}`, extension);
        if (this.#taken.has(name)) continue;
        this.#taken.add(name);
        this.#last.set(key, number);
        this.#digits.set(basis, digits);
        return name;
      }
      this.#last.set(key, number);
    }
    throw new Error('broken invariant: a directory has fewer entries than there are numeric tails');
  }
}

/** Spaces and all dots but the last are left out; what short names cannot hold becomes `_`. */
function basisOf(name: string): Basis {
  const dot = name.lastIndexOf('.');
  // A name's leading dots are no extension's.
  const hasExtension = dot > 0 && /[^.]/.test(name.slice(0, dot));
  const base = shortCharacters(hasExtension ? name.slice(0, dot) : name);
  const extension = hasExtension ? shortCharacters(name.slice(dot + 1)) : '';
  const basis = { base: base.slice(0, BASE_LENGTH), extension: extension.slice(0, 3) };
  return { ...basis, isExact: joined(basis) === asciiUpper(name) };
}

function shortCharacters(text: string): string {
  let characters = '';
  for (const unit of asciiUpper(text)) {
    if (unit === ' ' || unit === '.') continue;
    characters += SHORT_CHARACTER.test(unit) ? unit : '_';
  }
  return characters;
}

const joined = ({ base, extension }: Pick<Basis, 'base' | 'extension'>): string =>
  extension === '' ? base : `${base}.${extension}`;

const padded = (base: string, extension: string): string => base.padEnd(BASE_LENGTH) + extension.padEnd(3);

/** Letters of ASCII alone: those of others have no place in short names. */
const asciiUpper = (text: string): string => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());

function put(bytes: Uint8Array, name: number, text: string): void {
  for (let i = 0; i < SHORT_NAME_LENGTH; i++) bytes[name * SHORT_NAME_LENGTH + i] = text.charCodeAt(i);
}
