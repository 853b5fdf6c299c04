import { bytesOf } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import { bytesSource } from '../plan/bytes-source.ts';
import type { BytesSource, Plan } from '../plan/plan.ts';
import { RegionsBuilder } from '../plan/regions.ts';
import { roundUp, viewOf } from '../struct.ts';
import { type EfiStub, invalid, readEfiStub } from './efi-stub.ts';
import {
  FileHeader,
  IMAGE_SCN_CNT_CODE,
  IMAGE_SCN_CNT_INITIALIZED_DATA,
  IMAGE_SCN_MEM_READ,
  OptionalHeader,
  SectionHeader,
} from './format/pe.ts';

/** Bytes that are known, or of a blob: a kernel or an initrd that nobody reads for this. */
type SectionContent =
  | { readonly bytes: Uint8Array }
  | { readonly blob: number; readonly offset: number; readonly length: number };

/** A section that is added: `.osrel`, `.cmdline`, `.uname`, `.initrd`, `.linux`. */
export interface UkiSection {
  /** At most 8 bytes of ASCII. */
  readonly name: string;
  readonly content: SectionContent;
}

/** Sections begin at pages, which a kernel may be mapped by. */
const PAGE_SIZE = 4096;
/** Offsets have 32 bits; loaders read them as signed ones in places. */
const SIZE_MAX = 2 ** 31 - 1;

/** A section where it lies, in bytes of the file and of memory. */
interface Placed extends UkiSection {
  readonly start: number;
  readonly length: number;
  readonly address: number;
}

/**
 * Plans a unified kernel image: the stub with sections behind it, in their order, `.linux` last as a kernel may be unpacked over what follows it.
 * `stub` is the file of systemd's linuxx64.efi.stub or of one like it, from outside. Blobs have the numbers that sections
 * give them. UAPI.5, Unified Kernel Image. Throws `boot-invalid`, and `limit-exceeded` for 2 GiB and more.
 */
export function planUnifiedKernelImage(stub: Uint8Array, sections: readonly UkiSection[]): Plan {
  const headers = readEfiStub(stub);
  checkNames(headers, sections);
  const placed = place(headers, stub.length, sections);
  const head = withSections(stub, headers, placed);
  const builder = new RegionsBuilder();
  const bytes: BytesSource[] = [bytesSource(head, 'EFI stub')];
  builder.bytes(0, head.length, 0);
  for (const [i, { name, content, start, length }] of placed.entries()) {
    builder.zeroTo(start, i + 1);
    if ('bytes' in content) builder.bytes(start, length, bytes.push(bytesSource(content.bytes, `section ${name}`)) - 1);
    else builder.blob(start, length, content.blob, content.offset, i + 1);
  }
  const end = placed.at(-1);
  builder.zeroTo(
    end === undefined ? head.length : roundUp(end.start + end.length, headers.fileAlignment),
    placed.length,
  );
  return {
    size: builder.end,
    regions: builder.finish(),
    bytes,
    label: (owner) => (owner === 0 ? 'EFI stub' : `section ${placed[owner - 1]!.name}`),
  };
}

function checkNames({ sectionNames, headersFree }: EfiStub, sections: readonly UkiSection[]): void {
  if (sections.length > headersFree) {
    throw invalid(`room for ${headersFree} more sections in its headers, and ${sections.length} are needed`);
  }
  const taken = new Set(sectionNames);
  for (const { name } of sections) {
    if (!/^\.[\x21-\x7e]{1,7}$/.test(name)) throw new ImageError('boot-invalid', `a section that is named ${name}`);
    if (taken.has(name)) throw invalid(`it has a section ${name} already`);
    taken.add(name);
  }
}

function place(headers: EfiStub, stubLength: number, sections: readonly UkiSection[]): Placed[] {
  let fileEnd = stubLength;
  let memoryEnd = headers.memoryEnd;
  return sections.map((section) => {
    const { content } = section;
    const length = 'bytes' in content ? content.bytes.length : content.length;
    const start = roundUp(fileEnd, headers.fileAlignment);
    const address = roundUp(memoryEnd, Math.max(PAGE_SIZE, headers.sectionAlignment));
    fileEnd = start + length;
    memoryEnd = address + Math.max(length, 1);
    if (fileEnd > SIZE_MAX || memoryEnd > SIZE_MAX) {
      throw new ImageError('limit-exceeded', `a unified kernel image of ${fileEnd} bytes: at most ${SIZE_MAX}`);
    }
    return { ...section, start, length, address };
  });
}

/** A copy of the stub whose headers have the sections. */
function withSections(stub: Uint8Array, headers: EfiStub, placed: readonly Placed[]): Uint8Array {
  const head = stub.slice();
  const view = viewOf(head);
  const { fileHeader, optionalHeader, sectionTableEnd, fileAlignment, sectionAlignment } = headers;
  let [code, data] = [headers.sizeOfCode, headers.sizeOfInitializedData];
  for (const [i, { name, length, start, address }] of placed.entries()) {
    const rawSize = roundUp(length, fileAlignment);
    const isCode = name === '.linux';
    if (isCode) code += rawSize;
    else data += rawSize;
    SectionHeader.write(view, sectionTableEnd + i * SectionHeader.size, {
      Name: bytesOf(name),
      VirtualSize: length,
      VirtualAddress: address,
      SizeOfRawData: rawSize,
      PointerToRawData: start,
      Characteristics: IMAGE_SCN_MEM_READ + (isCode ? IMAGE_SCN_CNT_CODE : IMAGE_SCN_CNT_INITIALIZED_DATA),
    });
  }
  const last = placed.at(-1);
  const memoryEnd = last === undefined ? headers.memoryEnd : last.address + Math.max(last.length, 1);
  FileHeader.write(view, fileHeader, { NumberOfSections: headers.sectionNames.length + placed.length });
  // UEFI reads no checksum; 0 says that there is none.
  OptionalHeader.write(view, optionalHeader, {
    SizeOfCode: code % 2 ** 32,
    SizeOfInitializedData: data % 2 ** 32,
    SizeOfImage: roundUp(memoryEnd, sectionAlignment),
    CheckSum: 0,
  });
  return head;
}
