import { hexOf } from '../bytes.ts';

/** A SHA-256 in progress: the host's own. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** The 32 bytes; nothing may follow. */
  digest(): Uint8Array;
}

/**
 * The UUID of an image, 16 bytes: RFC 9562 version 8, from the SHA-256 of its record. File contents are not in it: they would
 * have to be read before the first block is known.
 */
export function deriveUuid(record: Uint8Array, sha256: Sha256): Uint8Array {
  sha256.update(record);
  const uuid = sha256.digest().slice(0, 16);
  uuid[6] = (uuid[6]! & 0x0f) | 0x80;
  uuid[8] = (uuid[8]! & 0x3f) | 0x80;
  return uuid;
}

/** `01234567-89ab-cdef-0123-456789abcdef`. */
export function formatUuid(uuid: Uint8Array): string {
  const hex = hexOf(uuid);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The 16 bytes of a UUID's 32 hexadecimal digits, with dashes or without. */
export function uuidBytes(text: string): Uint8Array {
  const digits = text.replaceAll('-', '');
  return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}
