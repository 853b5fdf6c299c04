import { ImageError } from '../errors.ts';
import { isBase58 } from './base58.ts';

/** How a fileset may be packed. */
const PACK_TYPES = ['tar', 'zip'] as const;
export type PackType = (typeof PACK_TYPES)[number];

/** What names a fileset, by its content. */
export interface WareId {
  readonly type: PackType;
  /** SHA-384 in base 58; `-` for a path that does not exist. */
  readonly hash: string;
}

/** The hash of what does not exist. */
export const NOTHING = '-';

/** 48 bytes have 65 or 66 digits, fewer only with zeros in front. */
const HASH_LENGTH_MIN = 48;
const HASH_LENGTH_MAX = 66;

/** Reads `TYPE:HASH`. Throws `option-invalid`. */
export function parseWareId(text: string): WareId {
  const colon = text.indexOf(':');
  const type = parsePackType(text.slice(0, Math.max(colon, 0)), text);
  const hash = text.slice(colon + 1);
  const isHash = isBase58(hash) && hash.length >= HASH_LENGTH_MIN && hash.length <= HASH_LENGTH_MAX;
  if (isHash || hash === NOTHING) return { type, hash };
  throw new ImageError('option-invalid', `${JSON.stringify(text.slice(0, 100))}: the hash is not SHA-384 in base 58`);
}

/** Throws `option-invalid` for what is no pack type; `whole` is where it stands. */
export function parsePackType(text: string, whole = text): PackType {
  const type = PACK_TYPES.find((each) => each === text);
  if (type !== undefined) return type;
  const shown = JSON.stringify(whole.slice(0, 100));
  throw new ImageError('option-invalid', `${shown}: the pack type is none of ${PACK_TYPES.join(', ')}`);
}

/** `TYPE:HASH`. */
export const formatWareId = ({ type, hash }: WareId): string => `${type}:${hash}`;
