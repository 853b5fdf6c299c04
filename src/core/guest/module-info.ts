import { ImageError } from '../errors.ts';
import { byteString } from '../bytes.ts';
import { ELF_IDENT, ElfHeader, SectionHeader } from '../elf.ts';
import { from64, type Read, viewOf } from '../struct.ts';

/** What a kernel module says of others. Names have underscores. */
export interface ModuleInfo {
  /** Which have to be there before it. */
  readonly depends: readonly string[];
  /** Which are good to be there before it, where there are such. */
  readonly softDepends: readonly string[];
}

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
  const view = viewOf(file);
  const { e_ident, e_shoff_lo, e_shoff_hi, e_shentsize, e_shnum, e_shstrndx } = ElfHeader.read(view, 0);
  if (!byteString(e_ident).startsWith(ELF_IDENT)) throw new RangeError('no ELF file of 64 bits');
  if (e_shentsize < SectionHeader.size) throw new RangeError(`section headers of ${e_shentsize} bytes`);
  const table = from64(e_shoff_lo, e_shoff_hi);
  const section = (index: number): Read<typeof SectionHeader.fields> =>
    SectionHeader.read(view, table + index * e_shentsize);
  const bytesOf = ({ sh_offset_lo, sh_offset_hi, sh_size_lo, sh_size_hi }: ReturnType<typeof section>): Uint8Array => {
    const start = from64(sh_offset_lo, sh_offset_hi);
    const end = start + from64(sh_size_lo, sh_size_hi);
    if (end > file.length) throw new RangeError('a section behind the end of the file');
    return file.subarray(start, end);
  };
  const names = byteString(bytesOf(section(e_shstrndx)));
  for (let i = 0; i < e_shnum; i++) {
    const header = section(i);
    if (names.startsWith(`${wanted}\0`, header.sh_name)) return bytesOf(header);
  }
  return undefined;
}
