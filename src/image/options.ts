import { ImageError } from '../core/errors.ts';
import { bytesOf, utf8ByteString } from '../core/bytes.ts';
import type { FeatureName } from '../core/ext4/features.ts';
import type { FatOptions } from '../core/fat/options.ts';
import { DEFAULT_MOUNT_OPTIONS, type MountOption } from '../core/ext4/format/mount-options.ts';
import { type Ext4Options, FORMAT_VERSION, type Placement } from '../core/ext4/options.ts';
import type { TarOptions } from '../core/tar-image/options.ts';
import { DEFAULT_EPOCH, type MetadataPolicy } from '../core/tree/metadata.ts';
import type { SymlinkedParents } from '../core/tree/resolve.ts';
import { SALT_LENGTH_MAX, VERITY_BLOCK_SIZE } from '../core/verity/format.ts';

/** What decides an image's bytes besides its layers. Sizes are in bytes; every default is what `build` does without options. */
export interface ImageOptions {
  /** Default `ext4`; `ext2` for systems that know nothing newer; `vfat`, which holds files and directories alone; `tar` for MirageOS. */
  readonly fs?: FilesystemOptions['fs'] | undefined;
  /** Which FAT; default: by the size, as mkfs.fat does. */
  readonly fatBits?: FatOptions['fatBits'];
  /** For readers of FAT that cannot read all that is allowed. */
  readonly fatCompat?: FatOptions['fatCompat'];
  /** For guests that write: a journal, of so many bytes or of the size that mke2fs chooses, and what growing while mounted needs. */
  readonly journal?: boolean | number | undefined;
  /** Features, by mke2fs' names, that the image has whether its content needs them or not. */
  readonly features?: readonly FeatureName[] | undefined;
  /** What a mount has without being asked, by tune2fs' names. */
  readonly mountOptions?: readonly MountOption[] | undefined;
  /**
   * The files that have fs-verity: paths in the image, or patterns with `*`, `?` and `[a-z]` within a name and `**` for any number of
   * directories; a directory stands for all files below.
   */
  readonly fsverity?: readonly string[] | undefined;
  /** Default 4096. */
  readonly blockSize?: 1024 | 2048 | 4096 | undefined;
  /** The exact size, a multiple of 4096, with FAT and tar of 512; default: as large as needed, in whole MiB. */
  readonly size?: number | undefined;
  /** The image's size, with zeros behind the filesystem, a multiple of 4096: a guest may grow it into them. */
  readonly deviceSize?: number | undefined;
  /** Room for a guest that writes: bytes, or percent of the content; default: with a journal 10 % and at least 16 MiB, else none. */
  readonly free?: number | { readonly percent: number; readonly bytesMin?: number } | undefined;
  /** How many inodes at least; default: those in use, and one for every 16 KiB of free room. */
  readonly inodes?: number | undefined;
  /** The volume name, at most 16 bytes of UTF-8; with FAT at most 11 letters and digits, which become upper case. */
  readonly label?: string | undefined;
  /** 16 bytes, with FAT the 4 of its volume id; default: derived from the tree and the options. */
  readonly uuid?: Uint8Array | undefined;
  /** Every time in the image: `fixed` (default), `clamp`, `keep`, or seconds since 1970. */
  readonly mtime?: MetadataPolicy['mtime'] | number | undefined;
  /** The epoch of `fixed` and `clamp`, in seconds since 1970; default 1262304000. */
  readonly sourceDateEpoch?: number | undefined;
  /** The owner of everything; default: the layers'. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** Permission bits to clear, as a umask does. */
  readonly chmodMask?: number | undefined;
  /** Default `stable`. */
  readonly placement?: Placement | undefined;
  /** Default `follow`. */
  readonly symlinkedParents?: SymlinkedParents | undefined;
  /** Whether a hash tree of dm-verity follows the filesystem; default: where there is a salt for it. Blocks are then of 4096 bytes. */
  readonly verity?: boolean | undefined;
  /** What is hashed before each block, at most 256 bytes; default: 32 bytes that are always the same. */
  readonly veritySalt?: Uint8Array | undefined;
  /** Whether the superblock of dm-verity stands in front of the tree, as most tools want it; Kata Containers does not. Default: true. */
  readonly veritySuperblock?: boolean | undefined;
  /** Which layout; default and only one: 1. */
  readonly formatVersion?: number | undefined;
}

/** What guests write needs room, besides the journal. */
const FREE_WITH_JOURNAL = { percent: 10, bytesMin: 16 * 1024 * 1024 };
const ID_MAX = 2 ** 32 - 2;

/** What decides a filesystem besides its tree, of any kind. */
export type FilesystemOptions = Ext4Options | FatOptions | TarOptions;

/** Fills in the defaults of the filesystem that is asked for. Throws `option-invalid`, also for options that it has no place for. */
export function toFilesystemOptions(options: ImageOptions): FilesystemOptions {
  if (options.fs === 'tar') return toTarOptions(options);
  return options.fs === 'vfat' ? toFatOptions(options) : toExt4Options(options);
}

/** Options that only some filesystems have, as messages name them. */
const NAMES_OF_OPTIONS = {
  fatBits: 'a kind of FAT',
  fatCompat: 'compatibility of FAT',
  journal: 'a journal',
  features: 'features',
  mountOptions: 'default mount options',
  fsverity: 'fs-verity',
  blockSize: 'a block size',
  deviceSize: 'a device size',
  inodes: 'a number of inodes',
  owner: 'an owner',
  chmodMask: 'a mode mask',
  placement: 'a placement',
  free: 'free room',
  label: 'a label',
  uuid: 'a UUID',
} as const satisfies Partial<Record<keyof ImageOptions, string>>;

/** Throws `option-invalid` for an option that was given and has no place in a filesystem. */
function refuse(options: ImageOptions, fs: string, names: readonly (keyof typeof NAMES_OF_OPTIONS)[]): void {
  for (const name of names) {
    const value = options[name];
    if (value === undefined || value === false || (Array.isArray(value) && value.length === 0)) continue;
    throw new ImageError('option-invalid', `${NAMES_OF_OPTIONS[name]} on ${fs}, which has none`);
  }
}

const NOT_OF_EXT = ['fatBits', 'fatCompat'] as const;
const NOT_OF_FAT = [
  'journal',
  'features',
  'mountOptions',
  'fsverity',
  'blockSize',
  'deviceSize',
  'inodes',
  'owner',
  'chmodMask',
  'placement',
] as const;

const NOT_OF_TAR = [
  ...NOT_OF_EXT,
  ...NOT_OF_FAT.filter((name) => name !== 'owner' && name !== 'chmodMask'),
  'free',
  'label',
  'uuid',
] as const;

function checkFormatVersion({ formatVersion = FORMAT_VERSION }: ImageOptions): void {
  if (formatVersion === FORMAT_VERSION) return;
  throw new ImageError('option-invalid', `format version ${formatVersion}: this program writes ${FORMAT_VERSION}`);
}

const toFree = (free: NonNullable<ImageOptions['free']>): Ext4Options['free'] =>
  typeof free === 'number' ? { bytes: free } : free;

function toFatOptions(options: ImageOptions): FatOptions {
  checkFormatVersion(options);
  refuse(options, 'vfat', NOT_OF_FAT);
  const { fatBits, fatCompat, size, free = 0, label = '', uuid: volumeId, symlinkedParents = 'follow' } = options;
  return {
    fs: 'vfat',
    fatBits,
    fatCompat,
    size,
    free: toFree(free),
    label: utf8ByteString(label),
    volumeId,
    symlinkedParents,
    metadata: toMetadataPolicy(options),
  };
}

function toTarOptions(options: ImageOptions): TarOptions {
  checkFormatVersion(options);
  refuse(options, 'tar', NOT_OF_TAR);
  const { size, symlinkedParents = 'follow' } = options;
  return { fs: 'tar', size, symlinkedParents, metadata: toMetadataPolicy(options) };
}

/** The same for ext4 and ext2. */
export function toExt4Options(options: ImageOptions): Ext4Options {
  const { fs = 'ext4', label = '', journal = false, features = [], mountOptions = [] } = options;
  const free = options.free ?? (journal === false ? 0 : FREE_WITH_JOURNAL);
  checkFormatVersion(options);
  if (fs !== 'ext4' && fs !== 'ext2') throw new ImageError('option-invalid', `${fs}, where ext4 or ext2 is needed`);
  refuse(options, fs, NOT_OF_EXT);
  return {
    fs,
    ...(journal === false ? {} : { journal: journal === true ? {} : { bytes: journal } }),
    features: [...new Set(features)].sort(),
    mountOptions: [...new Set(mountOptions)].sort((a, b) => DEFAULT_MOUNT_OPTIONS[a] - DEFAULT_MOUNT_OPTIONS[b]),
    fsverity: [...new Set(options.fsverity)].map(utf8ByteString).sort(),
    blockSize: options.blockSize ?? 4096,
    size: options.size,
    deviceSize: options.deviceSize,
    free: toFree(free),
    inodes: options.inodes,
    label: utf8ByteString(label),
    uuid: options.uuid,
    placement: options.placement ?? 'stable',
    symlinkedParents: options.symlinkedParents ?? 'follow',
    metadata: toMetadataPolicy(options),
  };
}

/** `blockloom dm-verity default salt` in ASCII. */
const DEFAULT_SALT = bytesOf('blockloom dm-verity default salt');

/** The salt of the hash tree; undefined for an image without one. Throws `option-invalid`. */
export function toVeritySalt(options: ImageOptions): Uint8Array | undefined {
  const { veritySalt: salt, verity = salt !== undefined, veritySuperblock = true, blockSize = 4096 } = options;
  if (!verity && !veritySuperblock)
    throw new ImageError('option-invalid', 'a hash tree without a superblock, and no hash tree');
  if (!verity) return undefined;
  if (blockSize !== VERITY_BLOCK_SIZE) {
    const what = `a hash tree over blocks of ${blockSize} bytes: dm-verity needs a block size of ${VERITY_BLOCK_SIZE}`;
    throw new ImageError('option-invalid', what);
  }
  if (salt !== undefined && salt.length > SALT_LENGTH_MAX)
    throw new ImageError('option-invalid', `a verity salt of ${salt.length} bytes: at most ${SALT_LENGTH_MAX}`);
  return salt ?? DEFAULT_SALT;
}

function toMetadataPolicy({ mtime = 'fixed', sourceDateEpoch, owner, chmodMask = 0 }: ImageOptions): MetadataPolicy {
  const epoch = typeof mtime === 'number' ? mtime : (sourceDateEpoch ?? DEFAULT_EPOCH);
  for (const id of owner === undefined ? [] : [owner.uid, owner.gid]) {
    if (!Number.isInteger(id) || id < 0 || id > ID_MAX)
      throw new ImageError('option-invalid', `owner ${id}: 0 to ${ID_MAX}`);
  }
  if (!Number.isInteger(chmodMask) || chmodMask < 0 || chmodMask > 0o7777) {
    throw new ImageError('option-invalid', `a mode mask of ${chmodMask}: 0 to 0o7777`);
  }
  return { mtime: typeof mtime === 'number' ? 'fixed' : mtime, epoch, owner, chmodMask };
}
