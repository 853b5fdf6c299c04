import { readRecordedOptions, RECORDED_OPTIONS, type RecordedOptions } from '../ext4/recorded-options.ts';
import { readRecordedFatOptions, RECORDED_FAT_OPTIONS, type RecordedFatOptions } from '../fat/recorded-options.ts';
import type { JsonValue } from '../oci/json.ts';
import {
  readRecordedTarOptions,
  RECORDED_TAR_OPTIONS,
  type RecordedTarOptions,
} from '../tar-image/recorded-options.ts';

/** The options of a filesystem of a lock: those that an image of it records. */
export type LockedFilesystem = RecordedOptions | RecordedFatOptions | RecordedTarOptions;

/** The options of a lock: those of its filesystem, and those that decide how its layers are read and what is behind it. */
export type LockedOptions = LockedFilesystem & {
  readonly embedInputs?: true;
  readonly keepPermissions?: true;
  /** The salt of the hash tree behind the filesystem in hexadecimal, `-` for none; only where there is a tree. */
  readonly veritySalt?: string;
  /** Only where the tree has no superblock. */
  readonly veritySuperblock?: false;
};

const SALT = /^(?:-|(?:[\da-f]{2}){1,256})$/;

/** By filesystem, but ext4 and ext2: the keys of its options, and what reads them. */
const RECORDED: Readonly<
  Record<string, { readonly keys: readonly string[]; readonly read: (json: JsonValue) => LockedFilesystem }>
> = {
  vfat: { keys: RECORDED_FAT_OPTIONS, read: readRecordedFatOptions },
  tar: { keys: RECORDED_TAR_OPTIONS, read: readRecordedTarOptions },
};

/** Throws the error of `json` for what has another form, as all that reads a lock does. */
export function readLockedOptions(json: JsonValue): LockedOptions {
  const salt = json.get('veritySalt');
  return {
    ...readLockedFilesystem(json, ['embedInputs', 'keepPermissions', 'veritySalt', 'veritySuperblock']),
    ...readFlag(json, 'embedInputs'),
    ...readFlag(json, 'keepPermissions'),
    ...(salt.isPresent ? { veritySalt: salt.matching(SALT, 'up to 256 bytes in hexadecimal, or -') } : {}),
    ...(json.get('veritySuperblock').optionalBoolean() === false ? { veritySuperblock: false } : {}),
  };
}

/** Reads the options of a filesystem, which `others` may stand beside. */
export function readLockedFilesystem(json: JsonValue, others: readonly string[] = []): LockedFilesystem {
  const { keys, read } = RECORDED[json.get('fs').optionalString() ?? ''] ?? {
    keys: RECORDED_OPTIONS,
    read: readRecordedOptions,
  };
  json.allowOnly([...keys, ...others]);
  return read(json);
}

/** A member that is true, or not there. */
export function readFlag<K extends string>(json: JsonValue, key: K): { readonly [_ in K]?: true } {
  return json.get(key).optionalBoolean() === true ? ({ [key]: true } as { readonly [_ in K]?: true }) : {};
}
