import {
  DataDirectory,
  DOS_MAGIC,
  DosHeader,
  EFI_APPLICATION,
  FileHeader,
  OptionalHeader,
  PE32_PLUS_MAGIC,
  PE_SIGNATURE,
  SectionHeader,
} from '../../src/core/boot/format/pe.ts';

const FILE_HEADER = 0x80;
const OPTIONAL_HEADER = FILE_HEADER + FileHeader.size;
/** Of PE32+ with 16 data directories. */
const OPTIONAL_SIZE = 112 + 16 * DataDirectory.size;
export const SECTION_TABLE = OPTIONAL_HEADER + OPTIONAL_SIZE;

/** What of a stub's headers a test wants otherwise. */
export interface StubFields {
  readonly dos?: Parameters<typeof DosHeader.write>[2];
  readonly file?: Parameters<typeof FileHeader.write>[2];
  readonly optional?: Parameters<typeof OptionalHeader.write>[2];
  readonly section?: Parameters<typeof SectionHeader.write>[2];
  readonly certificateBytes?: number;
  readonly length?: number;
}

/** An EFI application for x86-64 of two sections, each 512 bytes, that does nothing. */
export function makeEfiStub({
  dos,
  file,
  optional,
  section,
  certificateBytes = 0,
  length = 2048,
}: StubFields = {}): Uint8Array {
  const stub = new Uint8Array(2048);
  const view = new DataView(stub.buffer);
  DosHeader.write(view, 0, { e_magic: DOS_MAGIC, e_lfanew: FILE_HEADER, ...dos });
  FileHeader.write(view, FILE_HEADER, {
    Signature: PE_SIGNATURE,
    Machine: 0x8664,
    NumberOfSections: 2,
    SizeOfOptionalHeader: OPTIONAL_SIZE,
    Characteristics: 0x206,
    ...file,
  });
  OptionalHeader.write(view, OPTIONAL_HEADER, {
    Magic: PE32_PLUS_MAGIC,
    SizeOfCode: 512,
    SizeOfInitializedData: 512,
    AddressOfEntryPoint: 0x1000,
    SectionAlignment: 4096,
    FileAlignment: 512,
    SizeOfImage: 0x3000,
    SizeOfHeaders: 1024,
    CheckSum: 5,
    Subsystem: EFI_APPLICATION,
    ...optional,
  });
  view.setUint32(OPTIONAL_HEADER + 108, 16, true);
  DataDirectory.write(view, OPTIONAL_HEADER + 112 + 4 * DataDirectory.size, { Size: certificateBytes });
  const text = { VirtualSize: 3, VirtualAddress: 0x1000, SizeOfRawData: 512, PointerToRawData: 1024 };
  const name = (word: string) => new TextEncoder().encode(word);
  SectionHeader.write(view, SECTION_TABLE, { Name: name('.text'), ...text, Characteristics: 0x6000_0020 });
  SectionHeader.write(view, SECTION_TABLE + SectionHeader.size, {
    Name: name('.data'),
    VirtualSize: 100,
    VirtualAddress: 0x2000,
    SizeOfRawData: 512,
    PointerToRawData: 1536,
    Characteristics: 0xc000_0040,
    ...section,
  });
  // xor eax, eax; ret
  stub.set([0x31, 0xc0, 0xc3], 1024);
  return stub.slice(0, length);
}
