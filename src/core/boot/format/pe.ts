import { bytes, struct, u8, u16, u32 } from '../../struct.ts';

/** IMAGE_DOS_HEADER, of which UEFI reads two fields. Microsoft PE Format, "MS-DOS Stub". */
export const DosHeader = struct('IMAGE_DOS_HEADER', 64, { e_magic: u16(0), e_lfanew: u32(60) });
/** e_magic: `MZ`. */
export const DOS_MAGIC = 0x5a4d;

/** The signature and IMAGE_FILE_HEADER behind it. Microsoft PE Format, "COFF File Header". */
export const FileHeader = struct('IMAGE_FILE_HEADER', 24, {
  Signature: u32(0),
  Machine: u16(4),
  NumberOfSections: u16(6),
  TimeDateStamp: u32(8),
  PointerToSymbolTable: u32(12),
  NumberOfSymbols: u32(16),
  SizeOfOptionalHeader: u16(20),
  Characteristics: u16(22),
});
/** Signature: `PE\0\0`. */
export const PE_SIGNATURE = 0x4550;

/** What IMAGE_OPTIONAL_HEADER has in one place in PE32 and PE32+. Microsoft PE Format, "Optional Header". */
export const OptionalHeader = struct('IMAGE_OPTIONAL_HEADER', 70, {
  Magic: u16(0),
  MajorLinkerVersion: u8(2),
  MinorLinkerVersion: u8(3),
  SizeOfCode: u32(4),
  SizeOfInitializedData: u32(8),
  SizeOfUninitializedData: u32(12),
  AddressOfEntryPoint: u32(16),
  SectionAlignment: u32(32),
  FileAlignment: u32(36),
  SizeOfImage: u32(56),
  SizeOfHeaders: u32(60),
  CheckSum: u32(64),
  Subsystem: u16(68),
});
/** Magic. */
export const PE32_MAGIC = 0x10b;
export const PE32_PLUS_MAGIC = 0x20b;
/** Subsystem. */
export const EFI_APPLICATION = 10;
/** Where NumberOfRvaAndSizes stands, and behind it the data directories. */
export const DIRECTORY_COUNT_OFFSET = { [PE32_MAGIC]: 92, [PE32_PLUS_MAGIC]: 108 } as const;
/** IMAGE_DATA_DIRECTORY. */
export const DataDirectory = struct('IMAGE_DATA_DIRECTORY', 8, { VirtualAddress: u32(0), Size: u32(4) });
/** IMAGE_DIRECTORY_ENTRY_SECURITY: signatures. */
export const CERTIFICATE_DIRECTORY = 4;

/** IMAGE_SECTION_HEADER. Microsoft PE Format, "Section Table". */
export const SectionHeader = struct('IMAGE_SECTION_HEADER', 40, {
  Name: bytes(0, 8),
  VirtualSize: u32(8),
  VirtualAddress: u32(12),
  SizeOfRawData: u32(16),
  PointerToRawData: u32(20),
  PointerToRelocations: u32(24),
  PointerToLinenumbers: u32(28),
  NumberOfRelocations: u16(32),
  NumberOfLinenumbers: u16(34),
  Characteristics: u32(36),
});
/** Characteristics. */
export const IMAGE_SCN_CNT_CODE = 0x20;
export const IMAGE_SCN_CNT_INITIALIZED_DATA = 0x40;
export const IMAGE_SCN_MEM_READ = 0x4000_0000;
/** The most sections that Windows' loader and EDK2 take. */
export const SECTIONS_MAX = 96;
