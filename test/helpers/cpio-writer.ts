/** One name of an archive. */
export interface CpioEntry {
  readonly name: string;
  /** Type and permissions, as in `st_mode`. */
  readonly mode: number;
  readonly data?: Uint8Array;
}

/** A cpio archive in the form that Linux unpacks as its initramfs: https://docs.kernel.org/driver-api/early-userspace/buffer-format.html */
export function makeCpio(entries: readonly CpioEntry[]): Buffer {
  return Buffer.concat([...entries, { name: 'TRAILER!!!', mode: 0 }].flatMap(entryBytes));
}

/** `struct cpio_newc_header`, the name and the data, each filled up to 4 bytes. */
function entryBytes({ name, mode, data = Buffer.alloc(0) }: CpioEntry, index: number): Uint8Array[] {
  const fields = {
    c_ino: index + 1,
    c_mode: mode,
    c_uid: 0,
    c_gid: 0,
    c_nlink: 1,
    c_mtime: 0,
    c_filesize: data.length,
    c_maj: 0,
    c_min: 0,
    c_rmaj: 0,
    c_rmin: 0,
    c_namesize: Buffer.byteLength(name) + 1,
    c_chksum: 0,
  };
  const hexadecimal = Object.values(fields).map((value) => value.toString(16).padStart(8, '0'));
  const header = Buffer.from(`070701${hexadecimal.join('')}${name}\0`);
  return [header, padding(header.length), data, padding(data.length)];
}

function padding(length: number): Buffer {
  return Buffer.alloc(-length & 3);
}
