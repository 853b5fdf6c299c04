import { type ByteString, byteString, utf8ByteString } from '../../bytes.ts';
import { corrupt } from '../../ext4/reader/failure.ts';
import { viewOf } from '../../struct.ts';
import {
  ATTR_LONG_NAME,
  ATTR_VOLUME_ID,
  ENTRY_SIZE,
  FREE_ENTRY,
  KANJI_E5,
  LAST_LONG_ENTRY,
  LongNameEntry,
  LOWER_BASE,
  LOWER_EXTENSION,
  SHORT_NAME_LENGTH,
  ShortEntry,
} from '../format/directory-entry.ts';
import { shortNameChecksum } from '../short-names.ts';

/** A name in a directory, and the place of its short entry in what was read. */
export interface FatName {
  readonly name: ByteString;
  readonly at: number;
  /** Whether it is no file but the label of the volume. */
  readonly isLabel: boolean;
}

/** The entries of one long name that were read so far, its end first. */
interface LongName {
  readonly checksum: number;
  /** How many entries are to come. */
  left: number;
  units: number[];
}

const LONG_ENTRIES_MAX = 20;
const ATTRIBUTES = 0x3f;

/** Takes the names out of a directory's bytes as they are read, piece by piece. Microsoft FAT Specification, 6 and 7 */
export class DirectoryNames {
  #long: LongName | undefined;
  isAtEnd = false;

  /** The names that end in `bytes`, whole entries; `.` and `..` are left out. Throws `image-corrupt`. */
  *namesIn(bytes: Uint8Array, what: string): Generator<FatName, void> {
    const view = viewOf(bytes);
    for (let at = 0; at < bytes.length && !this.isAtEnd; at += ENTRY_SIZE) {
      const first = bytes[at]!;
      const attributes = bytes[at + ShortEntry.fields.DIR_Attr.offset]! & ATTRIBUTES;
      if (first === 0) this.isAtEnd = true;
      else if (first === FREE_ENTRY) this.#long = undefined;
      else if (attributes === ATTR_LONG_NAME) this.#long = this.#longer(view, at);
      else {
        const isLabel = (attributes & ATTR_VOLUME_ID) !== 0;
        const name = isLabel ? labelOf(bytes, at) : this.#nameOf(bytes, at);
        this.#long = undefined;
        if (name === '.' || name === '..') continue;
        if (!isLabel && (name === '' || /[/\0]/.test(name)))
          throw corrupt(`${what}: a name that is empty, or holds a slash or a NUL`);
        yield { name, at, isLabel };
      }
    }
  }

  /** What an entry makes of a long name; undefined where it does not belong to one. */
  #longer(view: DataView, at: number): LongName | undefined {
    const { LDIR_Ord, LDIR_Chksum, LDIR_Name1, LDIR_Name2, LDIR_Name3 } = LongNameEntry.read(view, at);
    const units = [LDIR_Name1, LDIR_Name2, LDIR_Name3].flatMap(unitsOf);
    const number = LDIR_Ord & ~LAST_LONG_ENTRY;
    if ((LDIR_Ord & LAST_LONG_ENTRY) !== 0)
      return number >= 1 && number <= LONG_ENTRIES_MAX ? { checksum: LDIR_Chksum, left: number - 1, units } : undefined;
    const long = this.#long;
    if (long === undefined || number !== long.left || LDIR_Chksum !== long.checksum || number === 0) return undefined;
    return { checksum: long.checksum, left: number - 1, units: [...units, ...long.units] };
  }

  /** The long name, where all of it is there and it is that of the short one: others are told apart by that. */
  #nameOf(bytes: Uint8Array, at: number): ByteString {
    const long = this.#long;
    if (long === undefined || long.left > 0 || shortNameChecksum(bytes, at) !== long.checksum)
      return shortName(bytes, at);
    const end = long.units.indexOf(0);
    return utf8ByteString(String.fromCharCode(...(end < 0 ? long.units : long.units.slice(0, end))));
  }
}

function unitsOf(bytes: Uint8Array): number[] {
  const view = viewOf(bytes);
  return Array.from({ length: bytes.length / 2 }, (_, i) => view.getUint16(2 * i, true));
}

const BASE_LENGTH = 8;

/** A short name as other systems show it. */
function shortName(bytes: Uint8Array, at: number): ByteString {
  const name = bytes.slice(at, at + SHORT_NAME_LENGTH);
  if (name[0] === KANJI_E5) name[0] = FREE_ENTRY;
  const flags = bytes[at + ShortEntry.fields.DIR_NTRes.offset]!;
  const part = (from: number, to: number, lower: number): string => {
    const text = byteString(name.subarray(from, to)).trimEnd();
    return oemText((flags & lower) === 0 ? text : text.toLowerCase());
  };
  const base = part(0, BASE_LENGTH, LOWER_BASE);
  const extension = part(BASE_LENGTH, SHORT_NAME_LENGTH, LOWER_EXTENSION);
  return utf8ByteString(extension === '' ? base : `${base}.${extension}`);
}

/** The label of an entry, or of a boot sector, of 11 bytes. */
export const labelOf = (bytes: Uint8Array, at: number): ByteString =>
  utf8ByteString(oemText(byteString(bytes.subarray(at, at + SHORT_NAME_LENGTH)).trimEnd()));

/** The characters 0x80 to 0xff of code page 437, which Linux takes for short names when it is not told another. */
const CP437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

const oemText = (text: ByteString): string => text.replace(/[\x80-\xff]/g, (byte) => CP437[byte.charCodeAt(0) - 0x80]!);
