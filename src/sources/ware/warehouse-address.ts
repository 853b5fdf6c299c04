import { ImageError } from '../../core/errors.ts';
import { NOTHING, type WareId } from '../../core/ware/ware-id.ts';

/** Where wares are kept. */
export interface WarehouseAddress {
  /** As it was written. */
  readonly text: string;
  readonly transport: 'file' | 'http';
  /** Whether it holds wares by their hash, or is one ware. */
  readonly isContentAddressed: boolean;
  /** A path of the host, or an address. */
  readonly place: string;
}

const ADDRESS = /^(ca\+)?(file|https?):\/\/(.+)$/s;
const EXPECTED = 'file://PATH, ca+file://DIR, http(s)://… or ca+http(s)://…';

export const isWarehouseAddress = (text: string): boolean => ADDRESS.test(text);

/** Reads an address in rio's form; `file://./x` is relative to the working directory. Throws `option-invalid`. */
export function parseWarehouse(text: string): WarehouseAddress {
  const [, ca, scheme = '', rest = ''] = ADDRESS.exec(text) ?? [];
  if (scheme === '') throw invalid(text);
  const isContentAddressed = ca !== undefined;
  if (scheme === 'file') return { text, transport: 'file', isContentAddressed, place: decoded(rest, text) };
  const url = `${scheme}://${rest}`;
  if (!URL.canParse(url)) throw invalid(text);
  return { text, transport: 'http', isContentAddressed, place: url };
}

/** Where in a warehouse a ware lies: `abc/def/abcdef…` below one that is content-addressed. */
export function placeOf({ isContentAddressed, place, transport }: WarehouseAddress, { hash }: WareId): string {
  if (!isContentAddressed) return place;
  const below = `${hash.slice(0, 3)}/${hash.slice(3, 6)}/${hash}`;
  if (transport === 'file') return `${place.replace(/\/+$/, '')}/${below}`;
  const url = new URL(place);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${below}`;
  return url.href;
}

/** Throws `ware-not-found` for the name of nothing. */
export function refuseNothing({ type, hash }: WareId): void {
  if (hash === NOTHING) throw new ImageError('ware-not-found', `${type}:${NOTHING} names what does not exist`);
}

function decoded(path: string, text: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw invalid(text);
  }
}

function invalid(text: string): ImageError {
  return new ImageError(
    'option-invalid',
    `${JSON.stringify(text.slice(0, 200))} is no warehouse, expected ${EXPECTED}`,
  );
}
