import { ImageError } from '../errors.ts';
import { byteString } from '../bytes.ts';

/** What a kernel module says of others. Names have underscores. */
export interface ModuleInfo {
  /** Which have to be there before it. */
  readonly depends: readonly string[];
  /** Which are good to be there before it, where there are such. */
  readonly softDepends: readonly string[];
}

/** Fields of Elf64_Ehdr and Elf64_Shdr. https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html */
const E_SHOFF = 0x28;
const E_SHENTSIZE = 0x3a;
const E_SHNUM = 0x3c;
const E_SHSTRNDX = 0x3e;
const SH_OFFSET = 0x18;
const SH_SIZE = 0x20;
const SECTION_HEADER_BYTES = 64;
/** 0x7f E L F, 64 bits, little-endian. */
const IDENTIFICATION = [0x7f, 0x45, 0x4c, 0x46, 2, 1] as const;

/** Reads `.modinfo` of a module, which is not compressed; `name` is for messages. Throws `image-unsupported`. */
export function readModuleInfo(module: Uint8Array, name: string): ModuleInfo {
  try {
    const text = byteString(sectionOf(module, '.modinfo') ?? new Uint8Array(0));
    const values = (key: string): string[] =>
      text.split('\0').flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
    const softDepends = values('softdep').flatMap((line) => /\bpre:\s*([^:]*?)(?:\s+post:|$)/.exec(line)?.[1] ?? '');
    return {
      depends: values('depends').flatMap((list) => namesIn(list, ',')),
      softDepends: softDepends.flatMap((list) => namesIn(list, ' ')),
    };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ImageError('image-unsupported', `${name} is no kernel module of 64 bits`, {}, { cause: error });
  }
}

/** The name that the kernel gives a module of a file: `kernel/drivers/block/virtio-blk.ko.xz` is virtio_blk. */
export function moduleName(path: string): string {
  return path
    .slice(path.lastIndexOf('/') + 1)
    .replace(/\.ko(?:\.\w+)?$/, '')
    .replaceAll('-', '_');
}

function namesIn(list: string, separator: string): string[] {
  return list
    .split(separator)
    .filter((name) => name !== '')
    .map(moduleName);
}

/** The bytes of a section; undefined where there is none. Throws RangeError for what is no such file, or damaged. */
function sectionOf(file: Uint8Array, wanted: string): Uint8Array | undefined {
  if (!IDENTIFICATION.every((byte, i) => file[i] === byte)) throw new RangeError('no ELF file of 64 bits');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const table = offsetAt(view, E_SHOFF);
  const entryBytes = view.getUint16(E_SHENTSIZE, true);
  if (entryBytes < SECTION_HEADER_BYTES) throw new RangeError(`section headers of ${entryBytes} bytes`);
  const bytesOf = (index: number): Uint8Array => {
    const header = table + index * entryBytes;
    const [start, size] = [offsetAt(view, header + SH_OFFSET), offsetAt(view, header + SH_SIZE)];
    if (start + size > file.length) throw new RangeError('a section behind the end of the file');
    return file.subarray(start, start + size);
  };
  const names = byteString(bytesOf(view.getUint16(E_SHSTRNDX, true)));
  for (let i = 0; i < view.getUint16(E_SHNUM, true); i++) {
    const at = view.getUint32(table + i * entryBytes, true);
    if (names.startsWith(`${wanted}\0`, at)) return bytesOf(i);
  }
  return undefined;
}

function offsetAt(view: DataView, at: number): number {
  const offset = Number(view.getBigUint64(at, true));
  if (!Number.isSafeInteger(offset)) throw new RangeError(`an offset of ${offset}`);
  return offset;
}
