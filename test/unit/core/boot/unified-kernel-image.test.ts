import { describe, expect, it } from 'vitest';
import { readEfiStub } from '../../../../src/core/boot/efi-stub.ts';
import { SectionHeader } from '../../../../src/core/boot/format/pe.ts';
import { planUnifiedKernelImage, type UkiSection } from '../../../../src/core/boot/unified-kernel-image.ts';
import { mapRows } from '../../../../src/core/plan/map.ts';
import { makeEfiStub, SECTION_TABLE, type StubFields } from '../../../helpers/efi-stub.ts';

const text = (name: string, value: string): UkiSection => ({
  name,
  content: { bytes: new TextEncoder().encode(value) },
});
const SECTIONS: readonly UkiSection[] = [
  text('.osrel', 'ID=test\n'),
  text('.cmdline', 'console=ttyS0'),
  { name: '.initrd', content: { blob: 3, offset: 100, length: 5000 } },
  { name: '.linux', content: { blob: 4, offset: 0, length: 10_000 } },
];

describe('planUnifiedKernelImage', () => {
  const plan = planUnifiedKernelImage(makeEfiStub(), SECTIONS);

  it('has the sections behind the stub, kernel and initrd as blobs', () => {
    expect([...mapRows(plan)].map(({ start, length, zero, label }) => [start, length, zero, label])).toEqual([
      [0, 2048, false, 'EFI stub'],
      [2048, 8, false, 'section .osrel'],
      [2056, 504, true, 'section .cmdline'],
      [2560, 13, false, 'section .cmdline'],
      [2573, 499, true, 'section .initrd'],
      [3072, 5000, false, 'section .initrd'],
      [8072, 120, true, 'section .linux'],
      [8192, 10_000, false, 'section .linux'],
      [18_192, 240, true, 'section .linux'],
    ]);
    const { kind, source, offset } = plan.regions;
    const blobs = Array.from(kind, (each, i) => [each, source[i], offset[i]]).filter(([each]) => each === 2);
    expect(blobs).toEqual([
      [2, 3, 100],
      [2, 4, 0],
    ]);
  });

  it('has headers that say so', () => {
    const head = new Uint8Array(2048);
    plan.bytes[0]!.read(0, head);
    const view = new DataView(head.buffer);
    const added = SECTIONS.map((_, i) => SectionHeader.read(view, SECTION_TABLE + (2 + i) * SectionHeader.size));
    const shown = added.map(
      ({ Name, VirtualSize, VirtualAddress, SizeOfRawData, PointerToRawData, Characteristics }) => [
        new TextDecoder().decode(Name).replace(/\0+$/, ''),
        VirtualSize,
        VirtualAddress,
        SizeOfRawData,
        PointerToRawData,
        Characteristics.toString(16),
      ],
    );
    expect(shown).toEqual([
      ['.osrel', 8, 0x3000, 512, 2048, '40000040'],
      ['.cmdline', 13, 0x4000, 512, 2560, '40000040'],
      ['.initrd', 5000, 0x5000, 5120, 3072, '40000040'],
      ['.linux', 10_000, 0x7000, 10_240, 8192, '40000020'],
    ]);
    expect(view.getUint16(0x86, true)).toBe(6);
    const optional = 0x98;
    expect(view.getUint32(optional + 56, true)).toBe(0xa000);
    expect(view.getUint32(optional + 64, true)).toBe(0);
    expect(view.getUint32(optional + 4, true)).toBe(512 + 10_240);
    expect(view.getUint32(optional + 8, true)).toBe(512 + 512 + 512 + 5120);
  });

  it('leaves the stub that it was given as it was', () => {
    const stub = makeEfiStub();
    planUnifiedKernelImage(stub, SECTIONS);
    expect(stub).toEqual(makeEfiStub());
  });

  it('refuses what sections cannot be', () => {
    const plans = (sections: readonly UkiSection[]) => () => planUnifiedKernelImage(makeEfiStub(), sections);
    const failure = (code: string, message: string) =>
      expect.objectContaining({ code, message: expect.stringContaining(message) });
    expect(plans([text('.text', '')])).toThrow(failure('boot-invalid', 'has a section .text already'));
    expect(plans([text('.a', ''), text('.a', '')])).toThrow(failure('boot-invalid', 'has a section .a already'));
    expect(plans([text('.too-long', '')])).toThrow(failure('boot-invalid', 'a section that is named'));
    expect(plans(Array.from({ length: 14 }, (_, i) => text(`.s${i}`, '')))).toThrow(
      failure('boot-invalid', 'room for 13 more sections in its headers, and 14 are needed'),
    );
    const large = { name: '.linux', content: { blob: 0, offset: 0, length: 2 ** 31 } };
    expect(plans([large])).toThrow(failure('limit-exceeded', 'at most 2147483647'));
  });
});

describe('readEfiStub', () => {
  it.each<[string, StubFields, string]>([
    ['a short file', { length: 20 }, 'the DOS header ends at 64, the file has 20 bytes'],
    ['no EFI application', { dos: { e_magic: 0x457f } }, 'does not begin with MZ'],
    ['a header outside', { dos: { e_lfanew: 2040 } }, 'the PE header ends at 2064'],
    ['another signature', { file: { Signature: 0x454e } }, 'the signature 0x454e'],
    ['no section', { file: { NumberOfSections: 0 } }, '0 sections: 1 to 96'],
    ['many sections', { file: { NumberOfSections: 97 } }, '97 sections: 1 to 96'],
    ['a section table outside', { file: { SizeOfOptionalHeader: 2000 } }, 'the optional header ends at'],
    ['a short optional header', { file: { SizeOfOptionalHeader: 100 } }, 'an optional header of 100 bytes'],
    ['another magic', { optional: { Magic: 0x107 } }, 'the magic 0x107'],
    ['another subsystem', { optional: { Subsystem: 3 } }, 'the subsystem 3'],
    ['an odd alignment', { optional: { FileAlignment: 500 } }, 'alignments of 500 bytes'],
    ['a small alignment', { optional: { SectionAlignment: 256 } }, 'alignments of 512 bytes in the file and 256'],
    ['long headers', { optional: { SizeOfHeaders: 4096 } }, 'headers of 4096 bytes: 472 to 2048'],
    ['short headers', { optional: { SizeOfHeaders: 400 } }, 'headers of 400 bytes'],
    ['a section outside', { section: { SizeOfRawData: 1024 } }, 'section 1 ends at 2560 of 2048 bytes'],
    ['a section in the headers', { section: { PointerToRawData: 512 } }, 'section 1 begins in the headers'],
    [
      'sections that overlap',
      { section: { VirtualAddress: 0x1002 } },
      'section 1 begins at 4098 in memory, before 4099',
    ],
    ['a huge section', { section: { VirtualSize: 2 ** 31 } }, 'section 1 ends at 2147491840 in memory'],
    ['a signature', { certificateBytes: 1000 }, 'a signature, which an added section would break'],
  ])('refuses %s', (_, fields, message) => {
    const read = () => readEfiStub(makeEfiStub(fields));
    expect(read).toThrow(expect.objectContaining({ code: 'boot-invalid', message: expect.stringContaining(message) }));
  });

  it('counts the room for headers up to what is no padding', () => {
    expect(readEfiStub(makeEfiStub()).headersFree).toBe(13);
    const stub = makeEfiStub();
    stub[SECTION_TABLE + 3 * SectionHeader.size + 5] = 1;
    expect(readEfiStub(stub).headersFree).toBe(1);
  });

  it('has room where an assembler of AArch64 filled up what follows', () => {
    const stub = makeEfiStub();
    const view = new DataView(stub.buffer);
    for (let at = SECTION_TABLE + 2 * SectionHeader.size; at < 1024; at += 4) view.setUint32(at, 0xd503201f, true);
    expect(readEfiStub(stub).headersFree).toBe(13);
    stub[SECTION_TABLE + 3 * SectionHeader.size] = 0x3f;
    expect(readEfiStub(stub).headersFree).toBe(1);
  });
});
