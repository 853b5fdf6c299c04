import { ImageError } from '../core/errors.ts';
import { checkExt4Options } from '../core/ext4/options.ts';
import { parseFreePercent, recordOptions } from '../core/ext4/recorded-options.ts';
import { uuidBytes } from '../core/ext4/uuid.ts';
import { checkFatOptions } from '../core/fat/options.ts';
import { recordFatOptions } from '../core/fat/recorded-options.ts';
import type { LockedFilesystem, LockedOptions } from '../core/lock/options.ts';
import { checkTarOptions } from '../core/tar-image/options.ts';
import { recordTarOptions } from '../core/tar-image/recorded-options.ts';
import { saltText } from '../core/verity/parameters.ts';
import type { OpenImageOptions } from './open-image.ts';
import { featuresValue, mountOptionsValue, saltValue, uuidValue } from './option-values.ts';
import { type FilesystemOptions, type ImageOptions, toFilesystemOptions, toVeritySalt } from './options.ts';

/** The options of an image that a lock keeps, and those that it gives back. */
type LockableOptions = Omit<OpenImageOptions, 'layers'>;

/** Throws `option-invalid`. */
export function lockOptions(options: LockableOptions): LockedOptions {
  const salt = toVeritySalt(options);
  return {
    ...lockFilesystem(options),
    ...(options.embedInputs === true ? { embedInputs: true } : {}),
    ...(options.keepPermissions === true ? { keepPermissions: true } : {}),
    ...(salt === undefined ? {} : { veritySalt: saltText(salt) }),
    ...(options.veritySuperblock === false ? { veritySuperblock: false } : {}),
  };
}

/** The same of a filesystem alone. */
export function lockFilesystem(given: ImageOptions): LockedFilesystem {
  const options = toFilesystemOptions(given);
  if (options.fs === 'tar') return recordTarOptions(options);
  return options.fs === 'vfat' ? recordFatOptions(options) : recordOptions(options);
}

/** The reverse of lockOptions, and of lockFilesystem. Throws `lock-invalid` for options that no image can have. */
export function unlockOptions(locked: LockedOptions): LockableOptions {
  const unlocked = unlockAny(locked);
  try {
    checkOptions(toFilesystemOptions(unlocked));
    toVeritySalt(unlocked);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new ImageError('lock-invalid', `the lock has options that no image can have: ${error.what}`);
  }
  return unlocked;
}

function unlockAny(locked: LockedOptions): LockableOptions {
  if (locked.fs === 'tar') return unlockTarOptions(locked);
  return locked.fs === 'vfat' ? unlockFatOptions(locked) : unlockExt4Options(locked);
}

function unlockExt4Options(locked: Exclude<LockedOptions, { fs: 'vfat' | 'tar' }>): LockableOptions {
  const { free, uuid, owner, chmodMask, journal, features, mountOptions, veritySalt, ...options } = locked;
  return {
    ...options,
    journal: journal === 'auto' ? true : journal,
    features: features === undefined ? undefined : featuresValue.parse(features),
    mountOptions: mountOptions === undefined ? undefined : mountOptionsValue.parse(mountOptions),
    free: unlockFree(free),
    ...(uuid === undefined ? {} : { uuid: uuidBytes(uuid) }),
    ...(owner === undefined ? {} : { owner: unlockOwner(owner) }),
    chmodMask: Number.parseInt(chmodMask, 8),
    ...unlockSalt(veritySalt),
  };
}

function unlockFatOptions({
  free,
  uuid,
  veritySalt,
  ...options
}: Extract<LockedOptions, { fs: 'vfat' }>): LockableOptions {
  return {
    ...options,
    free: unlockFree(free),
    ...(uuid === undefined ? {} : { uuid: uuidValue.parse(uuid) }),
    ...unlockSalt(veritySalt),
  };
}

function unlockTarOptions(locked: Extract<LockedOptions, { fs: 'tar' }>): LockableOptions {
  const { owner, chmodMask, veritySalt, ...options } = locked;
  return {
    ...options,
    ...(owner === undefined ? {} : { owner: unlockOwner(owner) }),
    chmodMask: Number.parseInt(chmodMask, 8),
    ...unlockSalt(veritySalt),
  };
}

const unlockFree = (free: number | string): LockableOptions['free'] =>
  typeof free === 'number' ? free : parseFreePercent(free);

const unlockSalt = (salt: string | undefined): Pick<LockableOptions, 'veritySalt'> =>
  salt === undefined ? {} : { veritySalt: saltValue.parse(salt) };

function unlockOwner(owner: string): { uid: number; gid: number } {
  const [uid = 0, gid = 0] = owner.split(':').map(Number);
  return { uid, gid };
}

function checkOptions(options: FilesystemOptions): void {
  if (options.fs === 'tar') checkTarOptions(options);
  else if (options.fs === 'vfat') checkFatOptions(options);
  else checkExt4Options(options);
}
