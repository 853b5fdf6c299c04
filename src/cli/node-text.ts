import { type ByteString, byteString, bytesOf, displayName } from '../core/bytes.ts';
import type { ReadableFilesystem, ReadableInode, Time } from '../core/reading/filesystem.ts';
import { EntryType } from '../core/layer/entry.ts';

const LETTER: Readonly<Record<number, string>> = {
  [EntryType.file]: '-',
  [EntryType.directory]: 'd',
  [EntryType.symlink]: 'l',
  [EntryType.characterDevice]: 'c',
  [EntryType.blockDevice]: 'b',
  [EntryType.fifo]: 'p',
  [EntryType.socket]: 's',
};

const TYPE_NAME: Readonly<Record<number, string>> = {
  [EntryType.file]: 'file',
  [EntryType.directory]: 'directory',
  [EntryType.symlink]: 'symlink',
  [EntryType.characterDevice]: 'characterDevice',
  [EntryType.blockDevice]: 'blockDevice',
  [EntryType.fifo]: 'fifo',
  [EntryType.socket]: 'socket',
};

const isDevice = ({ type }: ReadableInode): boolean =>
  type === EntryType.characterDevice || type === EntryType.blockDevice;

/** `drwxr-sr-t`, as ls has it. */
export function modeString({ type, mode }: ReadableInode): string {
  const rights = [6, 3, 0].map((shift, i) => {
    const bits = mode >> shift;
    const special = (mode >> (11 - i)) & 1;
    const x = (bits & 1) !== 0;
    const letter = i === 2 ? 't' : 's';
    const last = special === 1 ? (x ? letter : letter.toUpperCase()) : x ? 'x' : '-';
    return `${(bits & 4) !== 0 ? 'r' : '-'}${(bits & 2) !== 0 ? 'w' : '-'}${last}`;
  });
  return `${LETTER[type]}${rights.join('')}`;
}

/** ISO 8601 in UTC, with a fraction where there is one. */
export function isoTime({ seconds, nanoseconds }: Time): string {
  const whole = new Date(seconds * 1000).toISOString().slice(0, -5);
  return nanoseconds === 0 ? `${whole}Z` : `${whole}.${String(nanoseconds).padStart(9, '0')}Z`;
}

/** A line of `ls -l` without its name. */
export function longText(inode: ReadableInode): string {
  const { links, uid, gid, size, mtime, deviceMajor, deviceMinor } = inode;
  const length = isDevice(inode) ? `${deviceMajor}, ${deviceMinor}` : String(size);
  const columns = [String(links).padStart(4), String(uid).padStart(5), String(gid).padStart(5), length.padStart(10)];
  return `${modeString(inode)} ${columns.join(' ')} ${isoTime(mtime)}`;
}

/** ` -> TARGET` of a symlink. */
export function arrowText(filesystem: ReadableFilesystem, inode: ReadableInode): string {
  return inode.type === EntryType.symlink
    ? ` -> ${displayName(byteString(filesystem.symlinkTarget(inode)), 4096)}`
    : '';
}

/** A name in JSON: as text, and in base64 too when it is not UTF-8. */
export function nameJson(key: string, name: ByteString): Record<string, string> {
  const bytes = Buffer.from(bytesOf(name));
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes)
    ? { [key]: text }
    : { [key]: text, [`${key}Base64`]: bytes.toString('base64') };
}

/** Everything that an inode says, for programs; values of xattrs are in base64. */
export function nodeJson(filesystem: ReadableFilesystem, path: ByteString, inode: ReadableInode): object {
  const { ino, type, mode, uid, gid, links, size, mtime, atime, ctime, crtime, deviceMajor, deviceMinor } = inode;
  const xattrs = filesystem.xattrs(inode).map(({ name, value }) => ({
    ...nameJson('name', name),
    value: Buffer.from(value).toString('base64'),
  }));
  return {
    ...nameJson('path', path),
    type: TYPE_NAME[type],
    ino,
    mode: mode.toString(8).padStart(4, '0'),
    links,
    uid,
    gid,
    size,
    ...(isDevice(inode) && { device: { major: deviceMajor, minor: deviceMinor } }),
    ...(type === EntryType.symlink && nameJson('target', byteString(filesystem.symlinkTarget(inode)))),
    mtime: isoTime(mtime),
    atime: isoTime(atime),
    ctime: isoTime(ctime),
    ...(crtime !== undefined && { crtime: isoTime(crtime) }),
    xattrs,
  };
}
