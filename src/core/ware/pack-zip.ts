import { bytesOf, displayName } from '../bytes.ts';
import { crc32 } from '../crc32.ts';
import { ImageError } from '../errors.ts';
import { EntryType } from '../layer/entry.ts';
import { high32, low32, viewOf } from '../struct.ts';
import {
  CENTRAL_FILE_SIGNATURE,
  CentralFileHeader,
  DATA_DESCRIPTOR_SIGNATURE,
  DataDescriptor64,
  END_64_SIGNATURE,
  END_SIGNATURE,
  EndLocator64,
  EndOfCentralDirectory,
  EndOfCentralDirectory64,
  LOCAL_FILE_SIGNATURE,
  LOCATOR_64_SIGNATURE,
  LocalFileHeader,
  TIMESTAMP_EXTRA_ID,
  TimestampExtra,
  UNIX_EXTRA_ID,
  UnixExtra,
  ZIP64_EXTRA_ID,
  Zip64Extra,
} from './format/zip.ts';
import type { FilesetEvent } from './read-fileset.ts';
import type { FilesetNode } from './walk-fileset.ts';

/** 4.5, which has 64-bit sizes, on Unix. */
const VERSION = 45;
const MADE_BY = (3 << 8) | VERSION;
/** Sums and sizes stand behind what is stored; names are UTF-8, or as near to it as they are. */
const FLAGS = (1 << 3) | (1 << 11);
/** 1980-01-01, the first day of MS-DOS: the time is in an extra field. */
const DOS_DATE = 0x0021;
const IN_EXTRA_FIELD = 0xffff_ffff;
const NAME_BYTES_MAX = 0xffff;

const MODE_OF_TYPE: Readonly<Partial<Record<EntryType, number>>> = {
  [EntryType.file]: 0o100000,
  [EntryType.directory]: 0o040000,
  [EntryType.symlink]: 0o120000,
};

/** A member whose content is being written. */
interface Member {
  readonly node: FilesetNode;
  readonly name: Uint8Array;
  readonly offset: number;
  crc: number;
  size: number;
}

/**
 * A fileset that is read as a zip, not compressed; returns its hash. Each piece is good until the next is asked for. Throws
 * `pack-invalid` for what rio does not put into a zip: devices, fifos, and times that it cannot hold.
 */
export function* packZip(events: Generator<FilesetEvent, string>): Generator<Uint8Array, string> {
  const writer = new ZipWriter();
  let next = events.next();
  for (; next.done !== true; next = events.next()) {
    const event = next.value;
    if (event.kind === 'bytes') yield writer.content(event.bytes);
    else if (event.kind === 'begins') yield* writer.begin(event.node);
    else if (event.node.type === EntryType.file) yield writer.end();
  }
  yield* writer.finish();
  return next.value;
}

class ZipWriter {
  #offset = 0;
  #member: Member | undefined;
  readonly #central: Uint8Array[] = [];

  *begin(node: FilesetNode): Generator<Uint8Array, void> {
    const name = nameOf(node);
    this.#member = { node, name, offset: this.#offset, crc: 0, size: 0 };
    yield this.#passed(localHeader(this.#member));
    if (node.type === EntryType.file) return;
    if (node.linkPath !== '') yield this.content(bytesOf(node.linkPath));
    yield this.end();
  }

  content(bytes: Uint8Array): Uint8Array {
    const member = this.#member!;
    member.crc = crc32(bytes, member.crc);
    member.size += bytes.length;
    return this.#passed(bytes);
  }

  end(): Uint8Array {
    const member = this.#member!;
    this.#central.push(centralHeader(member));
    const descriptor = new Uint8Array(DataDescriptor64.size);
    DataDescriptor64.write(viewOf(descriptor), 0, {
      signature: DATA_DESCRIPTOR_SIGNATURE,
      crc32: member.crc,
      compressed_size_lo: low32(member.size),
      compressed_size_hi: high32(member.size),
      uncompressed_size_lo: low32(member.size),
      uncompressed_size_hi: high32(member.size),
    });
    return this.#passed(descriptor);
  }

  *finish(): Generator<Uint8Array, void> {
    const start = this.#offset;
    for (const header of this.#central) yield this.#passed(header);
    yield endRecords(this.#central.length, start, this.#offset - start);
  }

  #passed(bytes: Uint8Array): Uint8Array {
    this.#offset += bytes.length;
    return bytes;
  }
}

/** Names are those that rio writes: `./`, `./bin/`, `./bin/sh`. */
function nameOf({ path, type }: FilesetNode): Uint8Array {
  const refuse = (what: string): ImageError =>
    new ImageError('pack-invalid', `${what}, which a zip cannot hold`, { path: displayName(path) });
  if (MODE_OF_TYPE[type] === undefined) throw refuse('neither a file, a directory nor a symlink');
  const name = bytesOf(`${path === '' ? '.' : `./${path}`}${type === EntryType.directory ? '/' : ''}`);
  if (name.length > NAME_BYTES_MAX) throw refuse(`a path of ${name.length} bytes`);
  return name;
}

function localHeader({ node, name }: Member): Uint8Array {
  const extra = extraFields(node);
  const { size } = LocalFileHeader;
  const header = new Uint8Array(size + name.length + Zip64Extra.size + extra.length);
  const view = viewOf(header);
  LocalFileHeader.write(view, 0, {
    signature: LOCAL_FILE_SIGNATURE,
    version_needed: VERSION,
    flags: FLAGS,
    mod_date: DOS_DATE,
    compressed_size: IN_EXTRA_FIELD,
    uncompressed_size: IN_EXTRA_FIELD,
    name_length: name.length,
    extra_length: Zip64Extra.size + extra.length,
  });
  header.set(name, size);
  Zip64Extra.write(view, size + name.length, { id: ZIP64_EXTRA_ID, size: Zip64Extra.size - 4 });
  header.set(extra, size + name.length + Zip64Extra.size);
  return header;
}

function centralHeader({ node, name, offset, crc, size: stored }: Member): Uint8Array {
  const extra = extraFields(node);
  const { size } = CentralFileHeader;
  const header = new Uint8Array(size + name.length + Zip64Extra.size + extra.length);
  const view = viewOf(header);
  CentralFileHeader.write(view, 0, {
    signature: CENTRAL_FILE_SIGNATURE,
    version_made_by: MADE_BY,
    version_needed: VERSION,
    flags: FLAGS,
    mod_date: DOS_DATE,
    crc32: crc,
    compressed_size: IN_EXTRA_FIELD,
    uncompressed_size: IN_EXTRA_FIELD,
    name_length: name.length,
    extra_length: Zip64Extra.size + extra.length,
    external_attributes: ((MODE_OF_TYPE[node.type]! | node.mode) * 0x1_0000) >>> 0,
    local_header_offset: IN_EXTRA_FIELD,
  });
  header.set(name, size);
  Zip64Extra.write(view, size + name.length, {
    id: ZIP64_EXTRA_ID,
    size: Zip64Extra.size - 4,
    uncompressed_size_lo: low32(stored),
    uncompressed_size_hi: high32(stored),
    compressed_size_lo: low32(stored),
    compressed_size_hi: high32(stored),
    local_header_offset_lo: low32(offset),
    local_header_offset_hi: high32(offset),
  });
  header.set(extra, size + name.length + Zip64Extra.size);
  return header;
}

/** The time and the owner. */
function extraFields({ mtimeSeconds, uid, gid, path }: FilesetNode): Uint8Array {
  if (mtimeSeconds < 0 || mtimeSeconds > 0xffff_ffff)
    throw new ImageError('pack-invalid', 'a time that a zip cannot hold', { path: displayName(path) });
  const fields = new Uint8Array(TimestampExtra.size + UnixExtra.size);
  const view = viewOf(fields);
  TimestampExtra.write(view, 0, { id: TIMESTAMP_EXTRA_ID, size: 5, flags: 1, mod_time: mtimeSeconds });
  const owner = { uid_size: 4, uid, gid_size: 4, gid };
  UnixExtra.write(view, TimestampExtra.size, { id: UNIX_EXTRA_ID, size: 11, version: 1, ...owner });
  return fields;
}

function endRecords(entries: number, start: number, length: number): Uint8Array {
  const locator = EndOfCentralDirectory64.size;
  const end = locator + EndLocator64.size;
  const records = new Uint8Array(end + EndOfCentralDirectory.size);
  const view = viewOf(records);
  EndOfCentralDirectory64.write(view, 0, {
    signature: END_64_SIGNATURE,
    size_lo: EndOfCentralDirectory64.size - 12,
    version_made_by: MADE_BY,
    version_needed: VERSION,
    disk_entries_lo: entries,
    entries_lo: entries,
    central_size_lo: low32(length),
    central_size_hi: high32(length),
    central_offset_lo: low32(start),
    central_offset_hi: high32(start),
  });
  EndLocator64.write(view, locator, {
    signature: LOCATOR_64_SIGNATURE,
    end_offset_lo: low32(start + length),
    end_offset_hi: high32(start + length),
    disks: 1,
  });
  EndOfCentralDirectory.write(view, end, {
    signature: END_SIGNATURE,
    disk_entries: 0xffff,
    entries: 0xffff,
    central_size: IN_EXTRA_FIELD,
    central_offset: IN_EXTRA_FIELD,
  });
  return records;
}
