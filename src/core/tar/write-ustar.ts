import { bytesOf } from '../bytes.ts';
import { EntryType } from '../layer/entry.ts';
import { BLOCK_BYTES, Header } from './header.ts';
import {
  finishHeader,
  OCTAL_11_MAX,
  OCTAL_7_MAX,
  putHeaderNumber,
  putText,
  splitName,
  type TarMember,
  TYPE_FLAG,
} from './write-header.ts';

/** The largest size and time that ustar holds. */
export const USTAR_NUMBER_MAX = OCTAL_11_MAX;

/** What a ustar header is written from. */
export type UstarMember = Omit<TarMember, 'mtimeNanoseconds' | 'xattrs' | 'sparseSize'>;

/** Why ustar has no place for a member, in words; undefined for one that it can hold. Names are whatever bytes. */
export function whyNotUstar({
  type,
  name,
  linkName,
  uid,
  gid,
  storedSize,
  mtimeSeconds,
  ...device
}: UstarMember): string | undefined {
  if (TYPE_FLAG[type] === undefined) return 'a socket';
  if (splitName(name) === undefined) return `a name of ${name.length} bytes, which cannot be divided at a slash`;
  if (linkName.length > Header.linkname.length) return `a symlink of ${linkName.length} bytes`;
  if (storedSize > OCTAL_11_MAX) return `a file of ${storedSize} bytes`;
  if (uid > OCTAL_7_MAX || gid > OCTAL_7_MAX) return `the owner ${uid}:${gid}`;
  if (mtimeSeconds < 0 || mtimeSeconds > OCTAL_11_MAX) return `the time ${mtimeSeconds}`;
  const { deviceMajor, deviceMinor } = device;
  return deviceMajor > OCTAL_7_MAX || deviceMinor > OCTAL_7_MAX
    ? `the device ${deviceMajor}:${deviceMinor}`
    : undefined;
}

/** The header of a member that ustar can hold: one block. POSIX.1-1988. */
export function ustarHeader(member: UstarMember): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const { type, linkName, mode, uid, gid, storedSize, mtimeSeconds } = member;
  const { prefix, name } = splitName(member.name)!;
  putText(block, Header.prefix, prefix);
  putText(block, Header.name, name);
  block.set(bytesOf(linkName), Header.linkname.offset);
  putHeaderNumber(block, Header.mode, mode);
  putHeaderNumber(block, Header.uid, uid);
  putHeaderNumber(block, Header.gid, gid);
  putHeaderNumber(block, Header.size, storedSize);
  putHeaderNumber(block, Header.mtime, mtimeSeconds);
  if (type === EntryType.characterDevice || type === EntryType.blockDevice) {
    putHeaderNumber(block, Header.devmajor, member.deviceMajor);
    putHeaderNumber(block, Header.devminor, member.deviceMinor);
  }
  return finishHeader(block, TYPE_FLAG[type]!);
}
