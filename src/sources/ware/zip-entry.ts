import type { Entry } from 'yauzl';
import { byteString, displayName } from '../../core/bytes.ts';
import { ImageError } from '../../core/errors.ts';
import { EntryType } from '../../core/layer/entry.ts';
import type { TarMember } from '../../core/tar/write-header.ts';
import { FILE_BYTES_MAX } from '../../core/tar/limits.ts';
import { viewOf } from '../../core/struct.ts';

/** What wrote an archive, the upper byte of "version made by". APPNOTE.TXT, 4.4.2. */
const MADE_ON_UNIX: readonly number[] = [3, 19];

const S_IFMT = 0o170000;
const TYPES: Readonly<Record<number, EntryType>> = {
  0: EntryType.file,
  0o100000: EntryType.file,
  0o040000: EntryType.directory,
  0o120000: EntryType.symlink,
};

/** Ids of extra fields. APPNOTE.TXT, 4.5.2; Info-ZIP, proginfo/extrafld.txt. */
const Extra = { ntfs: 0x000a, unix: 0x000d, timestamp: 0x5455, infoZipUnix: 0x5855, unix2: 0x7855, unix3: 0x7875 };

/** The owner of what names none, as for rio. */
const DEFAULT_OWNER = 1000;

/**
 * What an entry of a zip says, as rio reads it: owners from Info-ZIP's extra fields, else 1000; times from extra fields, else MS-DOS'
 * in UTC. A symlink's text is its content. Throws `ware-corrupt`, or `pack-invalid` for what is no file, directory or symlink.
 */
export function zipMember(entry: Entry): TarMember {
  const name = byteString(entry.fileNameRaw);
  const path = displayName(name);
  const refuse = (what: string): ImageError => new ImageError('ware-corrupt', what, { path });
  if (name.includes('\0')) throw refuse('the name holds a NUL');
  if (entry.isEncrypted()) throw refuse('it is encrypted');
  if (!entry.canDecodeFileData()) throw refuse(`compressed in the unknown way ${entry.compressionMethod}`);
  if (entry.uncompressedSize > FILE_BYTES_MAX) throw refuse(`a size of ${entry.uncompressedSize} bytes`);
  const { mode, type } = modeOf(entry, name.endsWith('/'), path);
  return {
    type,
    name: type === EntryType.directory && !name.endsWith('/') ? `${name}/` : name,
    linkName: '',
    mode,
    ...ownerOf(entry),
    ...timeOf(entry),
    deviceMajor: 0,
    deviceMinor: 0,
    xattrs: [],
    storedSize: type === EntryType.file ? entry.uncompressedSize : 0,
  };
}

function modeOf(entry: Entry, isSlashed: boolean, path: string): { mode: number; type: EntryType } {
  const attributes = entry.externalFileAttributes;
  if (!MADE_ON_UNIX.includes(entry.versionMadeBy >>> 8)) {
    const isDirectory = isSlashed || (attributes & 0x10) !== 0;
    const mode = (isDirectory ? 0o777 : 0o666) & ((attributes & 0x01) !== 0 ? ~0o222 : ~0);
    return { mode, type: isDirectory ? EntryType.directory : EntryType.file };
  }
  const unix = attributes >>> 16;
  const type = isSlashed ? EntryType.directory : TYPES[unix & S_IFMT];
  if (type === undefined) throw new ImageError('pack-invalid', 'neither a file, a directory nor a symlink', { path });
  return { mode: unix & 0o7777, type };
}

function extra(entry: Entry, id: number): DataView | undefined {
  const field = entry.extraFields.find((each) => each.id === id);
  return field === undefined ? undefined : viewOf(field.data);
}

function ownerOf(entry: Entry): { uid: number; gid: number } {
  const unix3 = extra(entry, Extra.unix3);
  const owner = unix3 === undefined ? undefined : unix3Owner(unix3);
  if (owner !== undefined) return owner;
  const unix2 = extra(entry, Extra.unix2);
  if (unix2 !== undefined && unix2.byteLength >= 4)
    return { uid: unix2.getUint16(0, true), gid: unix2.getUint16(2, true) };
  return { uid: DEFAULT_OWNER, gid: DEFAULT_OWNER };
}

/** Version 1, then each id with its length in front: 2 or 4 bytes. */
function unix3Owner(field: DataView): { uid: number; gid: number } | undefined {
  let at = 1;
  const next = (): number | undefined => {
    const length = at < field.byteLength ? field.getUint8(at) : 0;
    const start = at + 1;
    at = start + length;
    if (at > field.byteLength) return undefined;
    return length === 2 ? field.getUint16(start, true) : length === 4 ? field.getUint32(start, true) : undefined;
  };
  const uid = next();
  const gid = next();
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

interface Time {
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
}

const wholeSeconds = (mtimeSeconds: number): Time => ({ mtimeSeconds, mtimeNanoseconds: 0 });

function timeOf(entry: Entry): Time {
  const timestamp = extra(entry, Extra.timestamp);
  if (timestamp !== undefined && timestamp.byteLength >= 5 && (timestamp.getUint8(0) & 1) !== 0)
    return wholeSeconds(timestamp.getUint32(1, true));
  for (const id of [Extra.infoZipUnix, Extra.unix]) {
    const unix = extra(entry, id);
    if (unix !== undefined && unix.byteLength >= 8) return wholeSeconds(unix.getUint32(4, true));
  }
  const ntfs = extra(entry, Extra.ntfs);
  return (ntfs === undefined ? undefined : ntfsTime(ntfs)) ?? dosTime(entry);
}

/** 4 reserved bytes, then attributes with tag and size; 1 has the modification time in units of 100 ns since 1601. */
function ntfsTime(field: DataView): Time | undefined {
  if (field.byteLength < 16 || field.getUint16(4, true) !== 1) return undefined;
  const ticks = field.getBigUint64(8, true) - 116_444_736_000_000_000n;
  const remainder = ((ticks % 10_000_000n) + 10_000_000n) % 10_000_000n;
  return { mtimeSeconds: Number((ticks - remainder) / 10_000_000n), mtimeNanoseconds: Number(remainder) * 100 };
}

/** MS-DOS date and time, taken for UTC. */
function dosTime({ lastModFileDate: date, lastModFileTime: time }: Entry): Time {
  const milliseconds = Date.UTC(
    1980 + (date >>> 9),
    ((date >>> 5) & 0xf) - 1,
    date & 0x1f,
    time >>> 11,
    (time >>> 5) & 0x3f,
    (time & 0x1f) * 2,
  );
  return wholeSeconds(milliseconds / 1000);
}
