import { type ByteString, byteString } from '../bytes.ts';
import { headerNumber } from './number.ts';
import type { TarPlace } from './place.ts';

/** Tar's unit: headers are one block, bodies are padded to whole ones. */
export const BLOCK_BYTES = 512;

const SPACE = 0x20;

interface Field {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
}

const field = (name: string, offset: number, length: number): Field => ({ name, offset, length });

/** struct posix_header: POSIX.1-2017, pax, "ustar Interchange Format"; offsets and lengths in bytes. */
export const Header = {
  name: field('name', 0, 100),
  mode: field('mode', 100, 8),
  uid: field('uid', 108, 8),
  gid: field('gid', 116, 8),
  size: field('size', 124, 12),
  mtime: field('mtime', 136, 12),
  chksum: field('chksum', 148, 8),
  typeflag: field('typeflag', 156, 1),
  linkname: field('linkname', 157, 100),
  magic: field('magic', 257, 6),
  version: field('version', 263, 2),
  devmajor: field('devmajor', 329, 8),
  devminor: field('devminor', 337, 8),
  prefix: field('prefix', 345, 155),
} as const;

/** What the magic says: `v7` has no fields behind linkname, `gnu` no prefix. */
export type HeaderForm = 'v7' | 'ustar' | 'gnu';

/** star keeps times behind a shorter prefix, and marks such a header at its end. */
const STAR_TRAILER = { offset: 508, text: 'tar\0', prefixLength: 131 };

export function headerForm(block: Uint8Array): HeaderForm {
  if (hasText(block, Header.magic.offset, 'ustar\0')) return 'ustar';
  return hasText(block, Header.magic.offset, 'ustar  \0') ? 'gnu' : 'v7';
}

/** The bytes of a text field up to its NUL, or all of it. */
export function headerText(block: Uint8Array, { offset, length }: Field): ByteString {
  let end = offset;
  while (end < offset + length && block[end] !== 0) end++;
  return end === offset ? '' : byteString(block.subarray(offset, end));
}

/** The entry's name as the header has it, with ustar's prefix. */
export function headerName(block: Uint8Array, form: HeaderForm): ByteString {
  const name = headerText(block, Header.name);
  if (form !== 'ustar' || block[Header.prefix.offset] === 0) return name;
  const isStar = hasText(block, STAR_TRAILER.offset, STAR_TRAILER.text);
  const length = isStar ? STAR_TRAILER.prefixLength : Header.prefix.length;
  return `${headerText(block, { ...Header.prefix, length })}/${name}`;
}

/** The number in `field`, else `layer-corrupt`. */
export function headerField(block: Uint8Array, { name, offset, length }: Field, place: TarPlace): number {
  const value = headerNumber(block, offset, length);
  if (value === undefined) throw place.error('layer-corrupt', `its ${name} field is not a number`);
  return value;
}

export function isZeroBlock(block: Uint8Array): boolean {
  for (let i = 0; i < BLOCK_BYTES; i++) if (block[i] !== 0) return false;
  return true;
}

/** Compares the checksum with the sum of the header's bytes, unsigned as POSIX says or signed as old tars did. */
export function verifyChecksum(block: Uint8Array, place: TarPlace): void {
  const { offset, length } = Header.chksum;
  const stored = headerNumber(block, offset, length);
  const computed = byteSum(block) + length * SPACE - rangeSum(block, offset, length);
  if (stored === computed || stored === computed - 256 * highBytes(block)) return;
  place.nameIs(headerText(block, Header.name));
  const found = stored === undefined ? 'is not a number' : `0x${stored.toString(16)}`;
  throw place.error('layer-corrupt', `checksum ${found}, computed 0x${computed.toString(16)}`);
}

/** The sum of a block's bytes, four at a time in two pairs of 16-bit sums: it is half of a scan's work. */
function byteSum(block: Uint8Array): number {
  const words = new DataView(block.buffer, block.byteOffset, BLOCK_BYTES);
  let even = 0;
  let odd = 0;
  for (let at = 0; at < BLOCK_BYTES; at += 4) {
    const word = words.getInt32(at, true);
    even += word & 0x00ff00ff;
    odd += (word >>> 8) & 0x00ff00ff;
  }
  return (even & 0xffff) + (even >>> 16) + (odd & 0xffff) + (odd >>> 16);
}

function rangeSum(block: Uint8Array, offset: number, length: number): number {
  let sum = 0;
  for (let i = offset; i < offset + length; i++) sum += block[i] ?? 0;
  return sum;
}

/** How many bytes a signed sum takes for negative; the checksum's own field counts as spaces. */
function highBytes(block: Uint8Array): number {
  const { offset, length } = Header.chksum;
  let count = 0;
  for (let i = 0; i < BLOCK_BYTES; i++) if ((block[i] ?? 0) > 127 && (i < offset || i >= offset + length)) count++;
  return count;
}

function hasText(block: Uint8Array, offset: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (block[offset + i] !== text.charCodeAt(i)) return false;
  return true;
}
