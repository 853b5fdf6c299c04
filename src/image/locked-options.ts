import { ImageError } from '../core/errors.ts';
import { checkExt4Options } from '../core/ext4/options.ts';
import { parseFreePercent, recordOptions } from '../core/ext4/recorded-options.ts';
import { uuidBytes } from '../core/ext4/uuid.ts';
import type { LockedOptions } from '../core/lock.ts';
import { saltText } from '../core/verity/parameters.ts';
import type { OpenImageOptions } from './open-image.ts';
import { featuresValue, mountOptionsValue, saltValue } from './option-values.ts';
import { toPlanOptions, toVeritySalt } from './options.ts';

/** The options of an image that a lock keeps, and those that it gives back. */
type LockableOptions = Omit<OpenImageOptions, 'layers'>;

/** Throws `option-invalid`. */
export function lockOptions(options: LockableOptions): LockedOptions {
  const salt = toVeritySalt(options);
  return {
    ...recordOptions(toPlanOptions(options)),
    ...(options.embedInputs === true ? { embedInputs: true } : {}),
    ...(options.keepPermissions === true ? { keepPermissions: true } : {}),
    ...(salt === undefined ? {} : { veritySalt: saltText(salt) }),
  };
}

/** The reverse of lockOptions. Throws `lock-invalid` for options that no image can have. */
export function unlockOptions(locked: LockedOptions): LockableOptions {
  const { free, uuid, owner, chmodMask, journal, features, mountOptions, veritySalt, ...options } = locked;
  const [uid = 0, gid = 0] = owner?.split(':').map(Number) ?? [];
  const unlocked: LockableOptions = {
    ...options,
    journal: journal === 'auto' ? true : journal,
    features: features === undefined ? undefined : featuresValue.parse(features),
    mountOptions: mountOptions === undefined ? undefined : mountOptionsValue.parse(mountOptions),
    free: typeof free === 'number' ? free : parseFreePercent(free),
    ...(uuid === undefined ? {} : { uuid: uuidBytes(uuid) }),
    ...(owner === undefined ? {} : { owner: { uid, gid } }),
    chmodMask: Number.parseInt(chmodMask, 8),
    ...(veritySalt === undefined ? {} : { veritySalt: saltValue.parse(veritySalt) }),
  };
  try {
    checkExt4Options(toPlanOptions(unlocked));
    toVeritySalt(unlocked);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new ImageError('lock-invalid', `the lock has options that no image can have: ${error.what}`);
  }
  return unlocked;
}
