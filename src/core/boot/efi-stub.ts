import { byteString } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import { type Read, viewOf } from '../struct.ts';
import {
  CERTIFICATE_DIRECTORY,
  DataDirectory,
  DIRECTORY_COUNT_OFFSET,
  DOS_MAGIC,
  DosHeader,
  EFI_APPLICATION,
  FileHeader,
  OptionalHeader,
  PE32_MAGIC,
  PE32_PLUS_MAGIC,
  PE_SIGNATURE,
  SectionHeader,
  SECTIONS_MAX,
} from './format/pe.ts';

/** The longest stub that is read, in bytes; systemd's have about 100 KiB. */
export const STUB_BYTES_MAX = 16 * 1024 * 1024;
const ALIGNMENT_MAX = 64 * 1024;
/** A stub that takes more memory than this is none. */
const IMAGE_SIZE_MAX = 256 * 1024 * 1024;
/** Zeros, or NOP of AArch64: there gnu-efi has the headers assembled, among code. */
const PADDINGS: ReadonlySet<number> = new Set([0, 0xd503201f]);

/** What of a stub decides where sections are added to it. Offsets are in bytes of its file. */
export interface EfiStub {
  /** Where the file header and the optional header stand. */
  readonly fileHeader: number;
  readonly optionalHeader: number;
  /** Where the section table ends. */
  readonly sectionTableEnd: number;
  /** How many more section headers fit behind those that are there. */
  readonly headersFree: number;
  readonly sectionNames: readonly string[];
  readonly sectionAlignment: number;
  readonly fileAlignment: number;
  /** In memory: where the last section ends. */
  readonly memoryEnd: number;
  readonly sizeOfCode: number;
  readonly sizeOfInitializedData: number;
}

/** Reads the headers of an EFI application that is to be a stub, a file from outside. Throws `boot-invalid`. */
export function readEfiStub(file: Uint8Array): EfiStub {
  if (file.length > STUB_BYTES_MAX) throw invalid(`${file.length} bytes, at most ${STUB_BYTES_MAX}`);
  const view = viewOf(file);
  within(file, 0, DosHeader.size, 'the DOS header');
  const { e_magic, e_lfanew: fileHeader } = DosHeader.read(view, 0);
  if (e_magic !== DOS_MAGIC) throw invalid('no EFI application: it does not begin with MZ');
  within(file, fileHeader, FileHeader.size, 'the PE header');
  const { Signature, NumberOfSections: count, SizeOfOptionalHeader } = FileHeader.read(view, fileHeader);
  if (Signature !== PE_SIGNATURE) throw invalid(`the signature 0x${Signature.toString(16)} where PE is expected`);
  if (count < 1 || count > SECTIONS_MAX) throw invalid(`${count} sections: 1 to ${SECTIONS_MAX}`);
  const optionalHeader = fileHeader + FileHeader.size;
  const sectionTable = optionalHeader + SizeOfOptionalHeader;
  const sectionTableEnd = sectionTable + count * SectionHeader.size;
  within(file, optionalHeader, Math.max(SizeOfOptionalHeader, OptionalHeader.size), 'the optional header');
  within(file, sectionTable, count * SectionHeader.size, 'the section table');
  const optional = OptionalHeader.read(view, optionalHeader);
  checkOptional(optional, file.length, sectionTableEnd);
  checkUnsigned(view, optionalHeader, SizeOfOptionalHeader, optional.Magic as keyof typeof DIRECTORY_COUNT_OFFSET);
  const sections = Array.from({ length: count }, (_, i) =>
    SectionHeader.read(view, sectionTable + i * SectionHeader.size),
  );
  const memoryEnd = checkSections(sections, optional, file.length);
  return {
    fileHeader,
    optionalHeader,
    sectionTableEnd,
    headersFree: headersFree(view, sections, optional.SizeOfHeaders, sectionTableEnd),
    sectionNames: sections.map(({ Name }) => byteString(Name).replace(/\0+$/, '')),
    sectionAlignment: optional.SectionAlignment,
    fileAlignment: optional.FileAlignment,
    memoryEnd,
    sizeOfCode: optional.SizeOfCode,
    sizeOfInitializedData: optional.SizeOfInitializedData,
  };
}

type Optional = Read<(typeof OptionalHeader)['fields']>;
type Section = Read<(typeof SectionHeader)['fields']>;

function checkOptional(optional: Optional, fileLength: number, sectionTableEnd: number): void {
  const { Magic, Subsystem, FileAlignment, SectionAlignment, SizeOfHeaders } = optional;
  if (Magic !== PE32_MAGIC && Magic !== PE32_PLUS_MAGIC)
    throw invalid(`the magic 0x${Magic.toString(16)}: PE32 or PE32+`);
  if (Subsystem !== EFI_APPLICATION)
    throw invalid(`the subsystem ${Subsystem}: an EFI application has ${EFI_APPLICATION}`);
  if (!isAlignment(FileAlignment) || !isAlignment(SectionAlignment) || SectionAlignment < FileAlignment) {
    throw invalid(`alignments of ${FileAlignment} bytes in the file and ${SectionAlignment} in memory`);
  }
  if (SizeOfHeaders < sectionTableEnd || SizeOfHeaders > fileLength) {
    throw invalid(`headers of ${SizeOfHeaders} bytes: ${sectionTableEnd} to ${fileLength}`);
  }
}

const isAlignment = (value: number): boolean => value >= 16 && value <= ALIGNMENT_MAX && (value & (value - 1)) === 0;

/** A signature is of all bytes: with more sections it would be none, and it stands where these go. */
function checkUnsigned(
  view: DataView,
  optionalHeader: number,
  size: number,
  magic: keyof typeof DIRECTORY_COUNT_OFFSET,
): void {
  const directories = DIRECTORY_COUNT_OFFSET[magic] + 4;
  const end = directories + (CERTIFICATE_DIRECTORY + 1) * DataDirectory.size;
  if (size < directories) throw invalid(`an optional header of ${size} bytes, at least ${directories}`);
  const count = view.getUint32(optionalHeader + DIRECTORY_COUNT_OFFSET[magic], true);
  if (count <= CERTIFICATE_DIRECTORY || size < end) return;
  const certificates = DataDirectory.read(view, optionalHeader + end - DataDirectory.size);
  if (certificates.Size !== 0)
    throw invalid('a signature, which an added section would break: one without it is needed');
}

/** Returns where the last section ends in memory. */
function checkSections(sections: readonly Section[], { SizeOfHeaders }: Optional, fileLength: number): number {
  let end = SizeOfHeaders;
  for (const [i, section] of sections.entries()) {
    const { VirtualAddress, VirtualSize, PointerToRawData, SizeOfRawData } = section;
    if (PointerToRawData + SizeOfRawData > fileLength) {
      throw invalid(`section ${i} ends at ${PointerToRawData + SizeOfRawData} of ${fileLength} bytes`);
    }
    if (SizeOfRawData > 0 && PointerToRawData < SizeOfHeaders) throw invalid(`section ${i} begins in the headers`);
    if (VirtualAddress < end) throw invalid(`section ${i} begins at ${VirtualAddress} in memory, before ${end}`);
    // What of the file is behind VirtualSize is padding, which is not loaded.
    end = VirtualAddress + (VirtualSize === 0 ? SizeOfRawData : VirtualSize);
    if (end > IMAGE_SIZE_MAX) throw invalid(`section ${i} ends at ${end} in memory, at most ${IMAGE_SIZE_MAX}`);
  }
  return end;
}

/** Headers are added where padding follows the section table. */
function headersFree(
  view: DataView,
  sections: readonly Section[],
  sizeOfHeaders: number,
  sectionTableEnd: number,
): number {
  const firstData = sections.reduce(
    (first, { PointerToRawData, SizeOfRawData }) => (SizeOfRawData > 0 ? Math.min(first, PointerToRawData) : first),
    sizeOfHeaders,
  );
  let end = sectionTableEnd;
  while (end + 4 <= firstData && PADDINGS.has(view.getUint32(end, true))) end += 4;
  return Math.floor((end - sectionTableEnd) / SectionHeader.size);
}

function within(file: Uint8Array, offset: number, length: number, what: string): void {
  if (offset + length <= file.length) return;
  throw invalid(`${what} ends at ${offset + length}, the file has ${file.length} bytes`);
}

/** An error about the file of a stub. */
export function invalid(what: string): ImageError {
  return new ImageError('boot-invalid', `the EFI stub: ${what}`);
}
