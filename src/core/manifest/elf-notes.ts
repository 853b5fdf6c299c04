import { byteString, displayName, type ByteString } from '../bytes.ts';
import { ELF_IDENT, ElfHeader, ProgramHeader } from '../elf.ts';
import { ImageError } from '../errors.ts';
import type { BlockDevice } from '../ext4/reader/block-reader.ts';
import { from64, type Read, struct, u32, viewOf } from '../struct.ts';

/** Elf64_Nhdr, 12 bytes, and the name and the descriptor behind it. https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.pheader.html#note_section */
export const NoteHeader = struct('Elf64_Nhdr', 12, {
  n_namesz: u32(0x00),
  n_descsz: u32(0x04),
  n_type: u32(0x08),
});

/** e_type: an executable at fixed addresses. */
export const ET_EXEC = 2;
/** e_version. */
export const EV_CURRENT = 1;
/** p_type. */
export const PT_NOTE = 4;

/** How many program headers are read; unikernels have about ten. */
const PROGRAM_HEADERS_MAX = 256;

/** An ELF file, and its name in errors. */
export interface ElfFile {
  readonly device: BlockDevice;
  readonly name: string;
}

/** A kind of notes: who owns it, as it is written with its final zero, its type, and how long a descriptor of it may be. */
export interface NoteKind {
  readonly owner: ByteString;
  readonly type: number;
  readonly descriptorMax: number;
}

/** What a note says, and where that stands in the file, in bytes. */
export interface NoteDescriptor {
  readonly bytes: Uint8Array;
  readonly offset: number;
}

/** An error about a place of an ELF file: what was found and what was expected. */
export function elfError({ name }: Pick<ElfFile, 'name'>, place: string, offset: number, what: string): ImageError {
  return new ImageError('manifest-invalid', `${place} at 0x${offset.toString(16)}: ${what}`, { reference: name });
}

/** Whether something begins as an ELF file of 64 bits, little-endian. */
export function isElf(device: BlockDevice): boolean {
  if (device.size < ElfHeader.size) return false;
  const ident = new Uint8Array(ELF_IDENT.length);
  device.read(0, ident);
  return byteString(ident) === ELF_IDENT;
}

/**
 * The descriptor of the only note of a kind, undefined without one. As loaders of unikernels do it, only the first note of a segment
 * counts. Throws `manifest-invalid` where the file is no executable of 64 bits, little-endian, or breaks off.
 */
export function readElfNote(file: ElfFile, kind: NoteKind): NoteDescriptor | undefined {
  let found: NoteDescriptor | undefined;
  for (const [offset, size] of noteSegments(file)) {
    const note = readNote(file, offset, size, kind);
    if (note === undefined) continue;
    if (found !== undefined) throw elfError(file, 'note', offset, 'a second one of its kind');
    found = note;
  }
  return found;
}

function* noteSegments(file: ElfFile): Generator<readonly [offset: number, size: number]> {
  const header = readHeader(file);
  const at = from64(header.e_phoff_lo, header.e_phoff_hi);
  const table = read(file, 'program headers', at, header.e_phnum * ProgramHeader.size);
  for (let i = 0; i < header.e_phnum; i++) {
    const segment = ProgramHeader.read(viewOf(table), i * ProgramHeader.size);
    if (segment.p_type !== PT_NOTE) continue;
    const offset = from64(segment.p_offset_lo, segment.p_offset_hi);
    const size = from64(segment.p_filesz_lo, segment.p_filesz_hi);
    const place = `program header ${i}`;
    if (size < NoteHeader.size) {
      throw elfError(file, place, at + i * ProgramHeader.size, `notes of ${size} bytes, expected ${NoteHeader.size}`);
    }
    checkRange(file, place, offset, size);
    yield [offset, size];
  }
}

function readHeader(file: ElfFile): Read<typeof ElfHeader.fields> {
  const header = ElfHeader.read(viewOf(read(file, 'ELF header', 0, ElfHeader.size)), 0);
  const expect = (field: string, found: number, expected: number): void => {
    if (found !== expected) throw elfError(file, 'ELF header', 0, `${field} ${found}, expected ${expected}`);
  };
  const ident = byteString(header.e_ident.subarray(0, ELF_IDENT.length));
  if (ident !== ELF_IDENT) {
    throw elfError(file, 'ELF header', 0, `${displayName(ident)}, expected 64 bits, little-endian, version 1`);
  }
  expect('e_type', header.e_type, ET_EXEC);
  expect('e_version', header.e_version, EV_CURRENT);
  expect('e_ehsize', header.e_ehsize, ElfHeader.size);
  expect('e_phentsize', header.e_phentsize, ProgramHeader.size);
  if (header.e_phnum < 1 || header.e_phnum > PROGRAM_HEADERS_MAX) {
    throw elfError(file, 'ELF header', 0, `e_phnum ${header.e_phnum}, expected 1 to ${PROGRAM_HEADERS_MAX}`);
  }
  return header;
}

/** The descriptor of the note at the beginning of a segment, if it is of the kind. */
function readNote(
  file: ElfFile,
  offset: number,
  size: number,
  { owner, type, descriptorMax }: NoteKind,
): NoteDescriptor | undefined {
  const nameSize = roundUpToWord(owner.length);
  const descriptorOffset = NoteHeader.size + nameSize;
  if (size < descriptorOffset) return undefined;
  const start = read(file, 'note', offset, descriptorOffset);
  const { n_namesz, n_descsz, n_type } = NoteHeader.read(viewOf(start), 0);
  if (n_namesz !== owner.length || n_type !== type) return undefined;
  const name = byteString(start.subarray(NoteHeader.size));
  if (!name.startsWith(owner)) return undefined;
  if (name !== owner.padEnd(nameSize, '\0')) throw elfError(file, 'note', offset, 'its name is not padded with zeros');
  if (n_descsz < 1 || n_descsz > descriptorMax) {
    throw elfError(file, 'note', offset, `a descriptor of ${n_descsz} bytes, expected 1 to ${descriptorMax}`);
  }
  if (size < descriptorOffset + n_descsz) {
    throw elfError(file, 'note', offset, `${descriptorOffset + n_descsz} bytes in a segment of ${size}`);
  }
  const at = offset + descriptorOffset;
  return { bytes: read(file, 'note', at, n_descsz), offset: at };
}

const roundUpToWord = (length: number): number => Math.ceil(length / 4) * 4;

/** Bytes of the file; their number is limited by the caller. */
function read(file: ElfFile, place: string, offset: number, size: number): Uint8Array {
  checkRange(file, place, offset, size);
  const target = new Uint8Array(size);
  file.device.read(offset, target);
  return target;
}

function checkRange(file: ElfFile, place: string, offset: number, size: number): void {
  if (Number.isSafeInteger(offset + size) && offset + size <= file.device.size) return;
  throw elfError(file, place, offset, `${size} bytes, the file has ${file.device.size}`);
}
