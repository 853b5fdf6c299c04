import { bytesOf, type ByteString } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import type { LayerIdentity } from '../layer/identity.ts';
import { EXT2_TIMES, type MetadataPolicy, SECONDS_MAX, SECONDS_MIN } from '../tree/metadata.ts';
import type { SymlinkedParents } from '../tree/resolve.ts';
import { checkFilePattern } from '../tree/select-files.ts';
import { VERITY_BLOCK_SIZE } from '../verity/format.ts';
import type { FeatureName } from './features.ts';
import { JOURNAL_MODES, type MountOption } from './format/mount-options.ts';

/** The layouts that this program knows; a change of any image's bytes makes a new one. */
export const FORMAT_VERSION = 1;

/** How files are laid out: `stable` keeps the place of what a higher layer removed, `compact` closes it. */
export type Placement = 'stable' | 'compact';

/** What decides an ext4 image besides its tree. Sizes are in bytes. */
export interface Ext4Options {
  /** `ext2`: 128-byte inodes, maps of blocks in place of extents, nothing that came later. */
  readonly fs: 'ext4' | 'ext2';
  /** For guests that write: a journal of so many bytes, else of the size that mke2fs chooses, and room to grow while mounted. */
  readonly journal?: { readonly bytes?: number } | undefined;
  /** Features that the image has whether its content needs them or not, in byte order. */
  readonly features: readonly FeatureName[];
  /** What a mount has without being asked, in the order of their bits. */
  readonly mountOptions: readonly MountOption[];
  /** Patterns of the files that have fs-verity, as `selectFiles` takes them. */
  readonly fsverity: readonly ByteString[];
  readonly blockSize: 1024 | 2048 | 4096;
  /** The image's exact size; without it the image is as large as its content and `free` need, in whole MiB. */
  readonly size?: number | undefined;
  /** The size of the device that the image is for: what is behind the filesystem is zeros, which a guest may grow it into. */
  readonly deviceSize?: number | undefined;
  /** Room to leave free: bytes, or percent of what the content needs, but at least `bytesMin`. */
  readonly free: { readonly bytes: number } | { readonly percent: number; readonly bytesMin?: number };
  /** At least this many inodes in all. */
  readonly inodes?: number | undefined;
  /** The volume name, at most 16 bytes of UTF-8. */
  readonly label: ByteString;
  /** 16 bytes; without them the UUID follows from the tree and the options. */
  readonly uuid?: Uint8Array | undefined;
  readonly placement: Placement;
  /** How the tree was made of its layers; decides the image's record. */
  readonly symlinkedParents: SymlinkedParents;
  readonly metadata: MetadataPolicy;
  /** The layers that the tree was made of, bottom first, where the image's record names them. */
  readonly inputs?: readonly LayerIdentity[] | undefined;
}

/** The longest volume name, in bytes. */
const LABEL_LENGTH_MAX = 16;

/** The least that Linux and mke2fs allow (JBD2_MIN_JOURNAL_BLOCKS), and mke2fs' most, in blocks. */
export const JOURNAL_BLOCKS_MIN = 1024;
const JOURNAL_BLOCKS_MAX = 10_240_000;

/** Throws `option-invalid` for options that no image can have. */
export function checkExt4Options(options: Ext4Options): void {
  const { blockSize, size, label, uuid, inodes, metadata } = options;
  checkGuestOptions(options);
  checkVerity(options);
  if (![1024, 2048, 4096].includes(blockSize)) throw invalid(`a block size of ${blockSize}: 1024, 2048 or 4096`);
  if (label.length > LABEL_LENGTH_MAX) throw invalid(`a label of ${label.length} bytes: at most ${LABEL_LENGTH_MAX}`);
  if (label.includes('\0')) throw invalid('a label that holds a NUL');
  if (!isUtf8(label)) throw invalid('a label that is not UTF-8');
  if (uuid !== undefined && uuid.length !== 16) throw invalid(`a UUID of ${uuid.length} bytes: 16`);
  if (size !== undefined && !(Number.isSafeInteger(size) && size > 0 && size % 4096 === 0)) {
    throw invalid(`a size of ${size} bytes: a multiple of 4096`);
  }
  const { deviceSize } = options;
  if (deviceSize !== undefined && !(Number.isSafeInteger(deviceSize) && deviceSize > 0 && deviceSize % 4096 === 0)) {
    throw invalid(`a device of ${deviceSize} bytes: a multiple of 4096`);
  }
  const free = 'bytes' in options.free ? options.free.bytes : options.free.percent;
  if (!(Number.isFinite(free) && free >= 0)) throw invalid(`free space of ${free}: 0 or more`);
  if (inodes !== undefined && !(Number.isInteger(inodes) && inodes > 0 && inodes < 2 ** 32)) {
    throw invalid(`${inodes} inodes: 1 to 4294967295`);
  }
  const { epoch } = metadata;
  if (options.fs === 'ext2' && epoch > EXT2_TIMES.secondsMax) {
    throw invalid(`a time of ${epoch} on ext2: at most ${EXT2_TIMES.secondsMax}, which is in 2038`);
  }
  if (!Number.isInteger(epoch) || epoch < SECONDS_MIN || epoch > SECONDS_MAX) {
    throw invalid(`a time of ${epoch}: whole seconds since 1970, ${SECONDS_MIN} to ${SECONDS_MAX}`);
  }
}

function checkVerity({ fs, blockSize, fsverity }: Ext4Options): void {
  fsverity.forEach(checkFilePattern);
  if (fsverity.length === 0) return;
  if (fs === 'ext2') throw invalid('fs-verity on ext2, which has none');
  if (blockSize !== VERITY_BLOCK_SIZE) {
    throw invalid(`fs-verity with blocks of ${blockSize} bytes: it needs a block size of ${VERITY_BLOCK_SIZE}`);
  }
}

function checkGuestOptions({ fs, blockSize, journal, mountOptions }: Ext4Options): void {
  if (journal !== undefined && fs === 'ext2') throw invalid('a journal on ext2, which has none');
  if (journal?.bytes !== undefined) {
    const [least, most] = [JOURNAL_BLOCKS_MIN * blockSize, JOURNAL_BLOCKS_MAX * blockSize];
    const { bytes } = journal;
    if (!(Number.isSafeInteger(bytes) && bytes >= least && bytes <= most && bytes % blockSize === 0)) {
      throw invalid(`a journal of ${bytes} bytes: whole blocks of ${blockSize}, ${least} to ${most}`);
    }
  }
  const modes = mountOptions.filter((name) => JOURNAL_MODES.includes(name));
  if (modes.length > 1) throw invalid(`the mount options ${modes.join(' and ')}: one of them`);
}

function isUtf8(text: ByteString): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(text));
    return true;
  } catch {
    return false;
  }
}

function invalid(what: string): ImageError {
  return new ImageError('option-invalid', what);
}
