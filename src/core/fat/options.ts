import { bytesOf, type ByteString } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import type { MetadataPolicy, TimeLimits } from '../tree/metadata.ts';
import type { SymlinkedParents } from '../tree/resolve.ts';
import { SECTOR_SIZE } from './format/boot-sector.ts';
import { FAT_SECONDS_MAX, FAT_SECONDS_MIN } from './times.ts';

/** The bits of an entry of the FAT, which name its kinds. */
export type FatBits = 12 | 16 | 32;
export const FAT_BITS: readonly FatBits[] = [12, 16, 32];

/** Readers that cannot read all that the specification allows: IncludeOS takes no name's entries from two sectors. */
export type FatCompat = 'includeos';
export const FAT_COMPATS: readonly FatCompat[] = ['includeos'];

/** What decides a FAT image besides its tree. Sizes are in bytes. */
export interface FatOptions {
  readonly fs: 'vfat';
  /** Default: by the size, as mkfs.fat does. */
  readonly fatBits?: FatBits | undefined;
  readonly fatCompat?: FatCompat | undefined;
  /** The image's exact size; without it the image is as large as its content and `free` need, in whole MiB. */
  readonly size?: number | undefined;
  /** Room to leave free: bytes, or percent of what the content needs, but at least `bytesMin`. */
  readonly free: { readonly bytes: number } | { readonly percent: number; readonly bytesMin?: number };
  /** The volume's name, at most 11 characters of ASCII, of which letters become upper case. */
  readonly label: ByteString;
  /** BS_VolID, 4 bytes as they are read: `12345678` is 1234-5678; without it it follows from the tree and the options. */
  readonly volumeId?: Uint8Array | undefined;
  readonly symlinkedParents: SymlinkedParents;
  readonly metadata: MetadataPolicy;
}

export const FAT_TIMES: TimeLimits = {
  secondsMin: FAT_SECONDS_MIN,
  secondsMax: FAT_SECONDS_MAX,
  hasNanoseconds: false,
  firstDay: '1980-01-01',
  lastDay: '2107-12-31',
  filesystem: 'FAT',
};

export const LABEL_LENGTH = 11;
/** What a volume's name may hold: what a short name may, and spaces. */
const LABEL = /^[A-Za-z0-9$%'\-_@~`!(){}^#& ]*$/;

/** Throws `option-invalid` for options that no image can have. */
export function checkFatOptions({ size, free, label, volumeId, metadata }: FatOptions): void {
  if (size !== undefined && !(Number.isSafeInteger(size) && size > 0 && size % SECTOR_SIZE === 0)) {
    throw invalid(`a size of ${size} bytes: a multiple of ${SECTOR_SIZE}`);
  }
  const room = 'bytes' in free ? free.bytes : free.percent;
  if (!(Number.isFinite(room) && room >= 0)) throw invalid(`free space of ${room}: 0 or more`);
  if (label.length > LABEL_LENGTH) throw invalid(`a label of ${label.length} bytes: at most ${LABEL_LENGTH} on FAT`);
  if (!LABEL.test(label) || label.startsWith(' ')) throw invalid('a label that FAT cannot hold: letters and digits');
  if (volumeId !== undefined && volumeId.length !== 4) {
    throw invalid(`a UUID of ${volumeId.length} bytes: FAT has a volume id of 4, 1234-ABCD`);
  }
  if (!Number.isInteger(metadata.epoch)) throw invalid(`a time of ${metadata.epoch}: whole seconds since 1970`);
}

/** A label as it stands on disk, 11 bytes; undefined for none. */
export function labelBytes(label: ByteString): Uint8Array | undefined {
  return label === '' ? undefined : bytesOf(label.toUpperCase().padEnd(LABEL_LENGTH));
}

function invalid(what: string): ImageError {
  return new ImageError('option-invalid', what);
}
