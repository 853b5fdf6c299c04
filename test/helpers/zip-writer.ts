import { crc32, deflateRawSync } from 'node:zlib';
import { concat } from './tar-writer.ts';

/** One entry of a zip that tests write. */
export interface ZipEntry {
  readonly name: string;
  readonly data?: string | Uint8Array;
  /** Of Unix, with the type; default a file, 0644. */
  readonly mode?: number;
  readonly isStored?: boolean;
  readonly flags?: number;
  /** In place of the right ones. */
  readonly crc?: number;
  readonly size?: number;
  /** Another entry whose bytes it has, by number. */
  readonly sharesWith?: number;
}

/** A zip made by code, for tests: well-formed unless asked otherwise. APPNOTE.TXT, 4.3. */
export function makeZip(entries: readonly ZipEntry[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  const offsets: number[] = [];
  let offset = 0;
  for (const entry of entries) {
    const plain = Buffer.from(entry.data ?? '');
    const stored = entry.isStored === true ? plain : deflateRawSync(plain);
    const name = Buffer.from(entry.name, 'latin1');
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(entry.flags ?? 0, 2);
    common.writeUInt16LE(entry.isStored === true ? 0 : 8, 4);
    common.writeUInt32LE((30 << 25) | (1 << 21) | (1 << 16), 6);
    common.writeUInt32LE(entry.crc ?? crc32(plain), 10);
    common.writeUInt32LE(stored.length, 14);
    common.writeUInt32LE(entry.size ?? plain.length, 18);
    common.writeUInt16LE(name.length, 22);
    const start = entry.sharesWith === undefined ? offset : offsets[entry.sharesWith]!;
    offsets.push(start);
    if (entry.sharesWith === undefined) {
      const local = concat([Buffer.from('PK\x03\x04'), common, name, stored]);
      parts.push(local);
      offset += local.length;
    }
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(((entry.mode ?? 0o100644) << 16) >>> 0, 6);
    rest.writeUInt32LE(start, 10);
    central.push(concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), common, rest, name]));
  }
  const directory = concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return concat([...parts, directory, end]);
}
