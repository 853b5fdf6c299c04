import type { Entry } from 'yauzl';
import { describe, expect, it } from 'vitest';
import { EntryType } from '../../../../src/core/layer/entry.ts';
import { zipMember } from '../../../../src/sources/ware/zip-entry.ts';

const UNIX = 3 << 8;
const MODE = 0x1_0000;

/** A file of Unix with the mode 0640, as yauzl gives it, with changes. */
function entry(
  changes: Partial<Entry> & { name?: string; extra?: readonly (readonly [number, string])[] } = {},
): Entry {
  const { name = 'a', extra = [], ...rest } = changes;
  return {
    fileNameRaw: Buffer.from(name, 'latin1'),
    extraFields: extra.map(([id, hex]) => ({ id, data: Buffer.from(hex, 'hex') })),
    versionMadeBy: UNIX,
    externalFileAttributes: 0o100640 * MODE,
    compressionMethod: 8,
    uncompressedSize: 5,
    // 2010-01-02 03:04:06
    lastModFileDate: (30 << 9) | (1 << 5) | 2,
    lastModFileTime: (3 << 11) | (4 << 5) | 3,
    isEncrypted: () => false,
    canDecodeFileData: () => true,
    ...rest,
  } as Entry;
}

describe('an entry of a zip', () => {
  it('is a file of 1000:1000 where it does not say whose', () => {
    expect(zipMember(entry())).toMatchObject({
      type: EntryType.file,
      name: 'a',
      mode: 0o640,
      uid: 1000,
      gid: 1000,
      mtimeSeconds: 1_262_401_446,
      storedSize: 5,
    });
  });

  it.each<readonly [string, Partial<Entry> & { name?: string }, object]>([
    [
      'a directory by its name',
      { name: 'a/', externalFileAttributes: 0o750 * MODE },
      { type: EntryType.directory, mode: 0o750, storedSize: 0 },
    ],
    ['a directory by its mode', { externalFileAttributes: 0o040755 * MODE }, { type: EntryType.directory, name: 'a/' }],
    ['a symlink', { externalFileAttributes: 0o120777 * MODE }, { type: EntryType.symlink, mode: 0o777 }],
    ['one with a set-id bit', { externalFileAttributes: 0o104755 * MODE }, { mode: 0o4755 }],
    ['one of MS-DOS', { versionMadeBy: 20, externalFileAttributes: 0 }, { type: EntryType.file, mode: 0o666 }],
    ['a read-only one of MS-DOS', { versionMadeBy: 20, externalFileAttributes: 1 }, { mode: 0o444 }],
    [
      'a directory of MS-DOS',
      { versionMadeBy: 20, externalFileAttributes: 0x10 },
      { type: EntryType.directory, mode: 0o777 },
    ],
    ['one of macOS', { versionMadeBy: 19 << 8 }, { mode: 0o640 }],
  ])('may be %s', (_, changes, expected) => {
    expect(zipMember(entry(changes))).toMatchObject(expected);
  });

  it.each<readonly [string, readonly (readonly [number, string])[], object]>([
    ['Info-ZIP says', [[0x7875, '0104f50100000414000000']], { uid: 501, gid: 20 }],
    ['Info-ZIP says in two bytes', [[0x7875, '0102f501021400']], { uid: 501, gid: 20 }],
    ['older Info-ZIP says', [[0x7855, 'f5011400']], { uid: 501, gid: 20 }],
    [
      'nobody says who can be understood',
      [
        [0x7875, '0108f501'],
        [0x7855, ''],
      ],
      { uid: 1000, gid: 1000 },
    ],
    ['the extended timestamp says', [[0x5455, '0310000000']], { mtimeSeconds: 16 }],
    ['no extended timestamp says', [[0x5455, '0210000000']], { mtimeSeconds: 1_262_401_446 }],
    ['old Info-ZIP says', [[0x5855, '0100000010000000']], { mtimeSeconds: 16 }],
    [
      'NTFS says',
      [[0x000a, '000000000100180040e2113f588bca0100000000000000000000000000000000']],
      { mtimeSeconds: 1_262_401_446, mtimeNanoseconds: 500_000_000 },
    ],
  ])('has the owner and the time that %s', (_, extra, expected) => {
    expect(zipMember(entry({ extra }))).toMatchObject(expected);
  });

  it.each<readonly [string, Partial<Entry> & { name?: string }, string]>([
    ['a device', { externalFileAttributes: 0o020600 * MODE }, 'pack-invalid'],
    ['encrypted', { isEncrypted: () => true }, 'ware-corrupt'],
    ['compressed in unknown ways', { canDecodeFileData: () => false, compressionMethod: 99 }, 'ware-corrupt'],
    ['larger than a file can be', { uncompressedSize: 2 ** 45 }, 'ware-corrupt'],
    ['named with a NUL', { name: 'a\0b' }, 'ware-corrupt'],
  ])('is refused when it is %s', (_, changes, code) => {
    expect(() => zipMember(entry(changes))).toThrow(expect.objectContaining({ code }));
  });
});
