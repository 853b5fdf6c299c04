import { assert } from '../errors.ts';

/** One name of an archive. */
export interface CpioEntry {
  /** From the root, without a leading slash; what it stands in comes before it. */
  readonly path: string;
  /** Type and permissions, as in `st_mode`. */
  readonly mode: number;
  /** A file's bytes, or a symlink's target. */
  readonly data?: Uint8Array;
  /** Of a device: major and minor number. */
  readonly device?: readonly [major: number, minor: number];
}

/** File types of `st_mode`. */
export const CpioType = { directory: 0o040000, character: 0o020000, file: 0o100000, symlink: 0o120000 } as const;

const MAGIC = '070701';
/** The last name of an archive. */
const TRAILER = 'TRAILER!!!';
/** c_filesize has 8 hexadecimal digits. */
const DATA_BYTES_MAX = 0xffff_ffff;
const ALIGNMENT = 4;

/**
 * A cpio archive in the "newc" form, which Linux unpacks as its initramfs: everything is owned by root, at time 0, and inodes are
 * numbered in the order of the entries, so that the same entries are the same bytes.
 * https://docs.kernel.org/driver-api/early-userspace/buffer-format.html
 */
export function cpioArchive(entries: readonly CpioEntry[]): Uint8Array {
  const parts = [...entries, { path: TRAILER, mode: 0 }].map((entry, i) => ({ entry, head: headOf(entry, i + 1) }));
  const length = parts.reduce((sum, { entry, head }) => sum + padded(head.length) + padded(entry.data?.length ?? 0), 0);
  const archive = new Uint8Array(length);
  let at = 0;
  for (const { entry, head } of parts) {
    archive.set(head, at);
    at += padded(head.length);
    if (entry.data === undefined) continue;
    archive.set(entry.data, at);
    at += padded(entry.data.length);
  }
  return archive;
}

/** `struct cpio_newc_header` and the name with its NUL. */
function headOf({ path, mode, data, device: [major, minor] = [0, 0] }: CpioEntry, inode: number): Uint8Array {
  const name = new TextEncoder().encode(`${path}\0`);
  const size = data?.length ?? 0;
  assert(path !== '' && !path.startsWith('/') && !path.includes('\0'), `a cpio entry is named ${JSON.stringify(path)}`);
  assert(size <= DATA_BYTES_MAX, `the cpio entry ${path} has ${size} bytes`);
  const fields = {
    c_ino: inode,
    c_mode: mode,
    c_uid: 0,
    c_gid: 0,
    c_nlink: 1,
    c_mtime: 0,
    c_filesize: size,
    c_maj: 0,
    c_min: 0,
    c_rmaj: major,
    c_rmin: minor,
    c_namesize: name.length,
    c_chksum: 0,
  };
  const text = MAGIC + Object.values(fields).map(hexadecimal).join('');
  const head = new Uint8Array(text.length + name.length);
  head.set(new TextEncoder().encode(text));
  head.set(name, text.length);
  return head;
}

const hexadecimal = (value: number): string => value.toString(16).padStart(8, '0');
const padded = (length: number): number => Math.ceil(length / ALIGNMENT) * ALIGNMENT;
