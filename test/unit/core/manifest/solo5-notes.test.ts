import { describe, expect, it } from 'vitest';
import { hexOf } from '../../../../src/core/bytes.ts';
import { isElf } from '../../../../src/core/manifest/elf-notes.ts';
import type { Solo5Device } from '../../../../src/core/manifest/solo5.ts';
import {
  encodeAbiNote,
  encodeManifestNote,
  readSolo5Notes,
  type Solo5Notes,
} from '../../../../src/core/manifest/solo5-notes.ts';
import { makeElf, makeUnikernel } from '../../../helpers/elf-writer.ts';
import { memoryDevice } from '../../../helpers/memory-device.ts';

const STORAGE: Solo5Device = { name: 'storage', type: 'BLOCK_BASIC' };
const SERVICE: Solo5Device = { name: 'service', type: 'NET_BASIC' };
const MANIFEST_NOTE = encodeManifestNote({ devices: [STORAGE, SERVICE] });
const ABI_NOTE = encodeAbiNote({ target: 'hvt', abiVersion: 2 });

const read = (elf: Uint8Array): Solo5Notes | undefined =>
  readSolo5Notes({ device: memoryDevice(elf), name: 'app.hvt' });

const zeros = (count: number): string => '00'.repeat(count);

describe('encodeManifestNote', () => {
  it('writes the note that solo5-elftool and the linker make', () => {
    expect(hexOf(encodeManifestNote({ devices: [STORAGE] }))).toBe(
      [
        '06000000', // n_namesz
        'dc000000', // n_descsz: 12 + 2 * 104
        '4d465431', // n_type: MFT1
        '536f6c6f35000000', // Solo5, padded to 8
        '00000000', // up to where 64-bit fields are aligned
        '01000000', // version
        '02000000', // entries
        `${zeros(68)}00000040${zeros(16)}${zeros(8)}00${zeros(7)}`,
        `73746f72616765${zeros(61)}01000000${zeros(16)}${zeros(8)}00${zeros(7)}`,
      ].join(''),
    );
  });

  it('writes a note without devices', () => {
    expect(encodeManifestNote({ devices: [] })).toHaveLength(20 + 12 + 104);
  });
});

describe('encodeAbiNote', () => {
  it('writes target and version', () => {
    expect(hexOf(encodeAbiNote({ target: 'spt', abiVersion: 1 }))).toBe(
      `0600000010000000${'41424931'}536f6c6f35000000${'02000000'}01000000${zeros(8)}`,
    );
  });
});

describe('readSolo5Notes', () => {
  it('reads what was written', () => {
    expect(read(makeElf([ABI_NOTE, MANIFEST_NOTE]))).toEqual({
      manifest: { devices: [STORAGE, SERVICE] },
      target: 'hvt',
      abiVersion: 2,
    });
  });

  it('reads 63 devices with names of 67 characters', () => {
    const devices = Array.from({ length: 63 }, (_, i) => ({ ...STORAGE, name: `${i}`.padEnd(67, 'x') }));
    expect(read(makeUnikernel({ manifest: { devices }, target: 'xen', abiVersion: 1 }))?.manifest.devices).toEqual(
      devices,
    );
  });

  it('passes over notes of others', () => {
    const gnu = Uint8Array.from([4, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0x47, 0x4e, 0x55, 0, 0, 0, 0, 0]);
    const openbsd = Uint8Array.from([8, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, ...Buffer.from('OpenBSD\0'), 0, 0, 0, 0]);
    const short = new Uint8Array(12);
    expect(read(makeElf([openbsd, gnu, short, ABI_NOTE, MANIFEST_NOTE]))?.target).toBe('hvt');
    expect(read(makeElf([gnu]))).toBeUndefined();
  });
});

/** Two notes with one byte or more of one of them changed. */
function damaged(note: 'manifest' | 'abi', offset: number, ...bytes: number[]): Uint8Array {
  const manifest = MANIFEST_NOTE.slice();
  const abi = ABI_NOTE.slice();
  (note === 'manifest' ? manifest : abi).set(bytes, offset);
  return makeElf([abi, manifest]);
}

/** The ELF file of both notes with bytes of its own headers changed. */
function damagedElf(offset: number, ...bytes: number[]): Uint8Array {
  const elf = makeElf([ABI_NOTE, MANIFEST_NOTE]);
  elf.set(bytes, offset);
  return elf;
}

const HEADER = 20;
const FIRST = HEADER + 12;
const SECOND = FIRST + 104;

describe('readSolo5Notes refuses', () => {
  it.each([
    ['a descriptor of no bytes', damaged('manifest', 4, 0, 0), 'a descriptor of 0 bytes, expected 1 to 6668'],
    ['a descriptor beyond its limit', damaged('manifest', 4, 0xff, 0xff), 'of 65535 bytes, expected 1 to 6668'],
    ['a descriptor of 4 GiB', damaged('manifest', 4, 0xff, 0xff, 0xff, 0xff), 'a descriptor of 4294967295 bytes'],
    [
      'a descriptor longer than its segment',
      damaged('manifest', 4, 12 + 104 * 4 - 256, 1),
      '448 bytes in a segment of 344',
    ],
    ['a descriptor without a manifest', damaged('manifest', 4, 11, 0), '11 bytes, expected at least 12'],
    ['a name that is not padded', damaged('manifest', 19, 1), 'its name is not padded with zeros'],
    ['bytes where alignment pads', damaged('manifest', HEADER, 1), 'its padding is not zero'],
    ['another version', damaged('manifest', HEADER + 4, 2), 'version 2, expected 1'],
    ['no entries', damaged('manifest', HEADER + 8, 0), '0 entries, expected 1 to 64'],
    ['65 entries', damaged('manifest', HEADER + 8, 65), '65 entries, expected 1 to 64'],
    ['more entries than there are', damaged('manifest', HEADER + 8, 4), '324 bytes for 4 entries, expected 428'],
    ['fewer entries than there are', damaged('manifest', HEADER + 8, 2), '324 bytes for 2 entries, expected 220'],
    ['a device in the first entry', damaged('manifest', FIRST + 68, 1, 0, 0, 0), 'type 1, expected 1073741824'],
    ['a name in the first entry', damaged('manifest', FIRST, 0x41), 'entry 0 at 0x13c: the name A, expected none'],
    ['a reserved entry behind the first', damaged('manifest', SECOND + 68, 0, 0, 0, 0x40), 'expected 1 or 2'],
    ['an unknown kind', damaged('manifest', SECOND + 68, 3), 'entry 1 at 0x1a4: type 3, expected 1 or 2'],
    ['an empty name', damaged('manifest', SECOND, ...new Uint8Array(7)), 'expected 1 to 67 letters and digits'],
    ['a name with a dash', damaged('manifest', SECOND, 0x2d), 'the name -torage, expected'],
    ['a name without an end', damaged('manifest', SECOND, ...new Uint8Array(68).fill(0x61)), 'without its final zero'],
    ['bytes behind a name', damaged('manifest', SECOND + 20, 1), 'its name is not padded with zeros'],
    ['a capacity', damaged('manifest', SECOND + 72, 1), 'what the tender fills in is not zero'],
    ['a descriptor of the host', damaged('manifest', SECOND + 95, 1), 'what the tender fills in is not zero'],
    ['a device that is attached', damaged('manifest', SECOND + 96, 1), 'attached 1, expected 0'],
    ['bytes behind an entry', damaged('manifest', SECOND + 103, 1), 'what the tender fills in is not zero'],
    [
      'two devices of one name',
      makeElf([ABI_NOTE, encodeManifestNote({ devices: [STORAGE, STORAGE] })]),
      'two devices named storage',
    ],
    ['two manifests', makeElf([ABI_NOTE, MANIFEST_NOTE, MANIFEST_NOTE]), 'a second one of its kind'],
    ['a manifest alone', makeElf([MANIFEST_NOTE]), 'an MFT1 note without an ABI1 note'],
    ['a target alone', makeElf([ABI_NOTE]), 'an ABI1 note without an MFT1 note'],
    ['target 0', damaged('abi', HEADER, 0), 'target 0, expected 1 to 6'],
    ['target 7', damaged('abi', HEADER, 7), 'target 7, expected 1 to 6'],
    ['a reserved field of the target', damaged('abi', HEADER + 12, 1), 'its reserved fields are not zero'],
    ['a short target', damaged('abi', 4, 15), '15 bytes, expected 16'],
    ['a long target', damaged('abi', 4, 17), 'a descriptor of 17 bytes, expected 1 to 16'],
    ['32 bits', damagedElf(4, 1), '\\x7fELF\\x01\\x01\\x01, expected 64 bits, little-endian, version 1'],
    ['big-endian', damagedElf(5, 2), 'expected 64 bits, little-endian'],
    ['no ELF at all', new Uint8Array(64), 'expected 64 bits, little-endian'],
    ['less than a header', new Uint8Array(63), 'ELF header at 0x0: 64 bytes, the file has 63'],
    ['a library', damagedElf(0x10, 3), 'e_type 3, expected 2'],
    ['another version of ELF', damagedElf(0x14, 2), 'e_version 2, expected 1'],
    ['another size of header', damagedElf(0x34, 52), 'e_ehsize 52, expected 64'],
    ['another size of program headers', damagedElf(0x36, 32), 'e_phentsize 32, expected 56'],
    ['no program headers', damagedElf(0x38, 0), 'e_phnum 0, expected 1 to 256'],
    ['65535 program headers', damagedElf(0x38, 0xff, 0xff), 'e_phnum 65535, expected 1 to 256'],
    ['program headers behind the end', damagedElf(0x20, 0, 0x10), 'program headers at 0x1000: 168 bytes'],
    ['program headers beyond 2^53', damagedElf(0x27, 0x7f), 'program headers at 0x7f00000000000000'],
    ['a segment behind the end', damagedElf(64 + 56 + 8, 0, 0x10), 'program header 1 at 0x1000: 36 bytes'],
    ['a segment of 2^63 bytes', damagedElf(64 + 56 + 0x27, 0x80), 'program header 1 at'],
    ['a segment smaller than a note', damagedElf(64 + 56 + 0x20, 11), 'notes of 11 bytes, expected 12'],
  ])('%s', (_, elf, what) => {
    expect(() => read(elf)).toThrow(what);
    expect(() => read(elf)).toThrow(
      expect.objectContaining({ code: 'manifest-invalid', context: expect.objectContaining({ reference: 'app.hvt' }) }),
    );
  });
});

describe('isElf', () => {
  it('tells ELF files of 64 bits from others', () => {
    expect(isElf(memoryDevice(makeElf([])))).toBe(true);
    expect(isElf(memoryDevice(new Uint8Array(64)))).toBe(false);
    expect(isElf(memoryDevice(new Uint8Array(3)))).toBe(false);
  });
});
