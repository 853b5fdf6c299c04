import { readRecordedOptions, RECORDED_OPTIONS, type RecordedOptions } from './ext4/recorded-options.ts';
import { readRecordedFatOptions, RECORDED_FAT_OPTIONS, type RecordedFatOptions } from './fat/recorded-options.ts';
import { type LayerIdentity, readLayerIdentity } from './layer/identity.ts';
import { type Digest, isDigest } from './oci/digest.ts';
import { JsonValue } from './oci/json.ts';
import { readRecordedTarOptions, RECORDED_TAR_OPTIONS, type RecordedTarOptions } from './tar-image/recorded-options.ts';

/** The options of a lock: those that an image of its filesystem records, and those that decide how its layers are read. */
export type LockedOptions = (RecordedOptions | RecordedFatOptions | RecordedTarOptions) & LockedLayerOptions;

interface LockedLayerOptions {
  readonly embedInputs?: true;
  readonly keepPermissions?: true;
  /** The salt of the hash tree behind the filesystem in hexadecimal, `-` for none; only where there is a tree. */
  readonly veritySalt?: string;
  /** Only where the tree has no superblock. */
  readonly veritySuperblock?: false;
  /** The disk that the filesystem is in: its table, `arm64` and `dax` where they are so, and a digest of what else describes it. */
  readonly disk?: string;
}

/** A layer as its reference led to it. */
export type LockedLayer = LayerIdentity & {
  /** Of the blob as it is kept, most often compressed, where images are. */
  readonly blob?: Digest;
};

/** A reference and what it stood for. */
export interface LockedReference {
  /** As it was given. */
  readonly reference: string;
  /** The directory of the image below which its layers come. */
  readonly at?: string;
  /** Whether it is no reference, but files that a definition described in place. */
  readonly isInline?: true;
  /** One that stays when tags move. */
  readonly pinned?: string;
  /** Of the image's manifest. */
  readonly manifest?: Digest;
  /** `OS/ARCH[/VARIANT]`. */
  readonly platform?: string;
  /** Bottom first. */
  readonly layers: readonly LockedLayer[];
}

/** What an image came from, and what it was. */
export interface Lock {
  readonly formatVersion: number;
  readonly options: LockedOptions;
  /** The path of the definition that had the layers. */
  readonly definition?: string;
  readonly references: readonly LockedReference[];
  readonly result: {
    /** `sha256:HEX` of the tree's description. */
    readonly tree: string;
    /** The filesystem's, or the volume id of FAT; only where it has one. */
    readonly uuid?: string | undefined;
    /** In bytes. */
    readonly size: number;
    /** In hexadecimal. */
    readonly sha256: string;
  };
}

/** The longest lock file that is read, in bytes. */
export const LOCK_BYTES_MAX = 4 * 1024 * 1024;
const LOCK_VERSION = 1;
const REFERENCES_MAX = 4096;
const LAYERS_MAX = 4096;
/** A UUID, or the volume id of FAT. */
const UUID = /^(?:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|[\dA-F]{4}-[\dA-F]{4})$/;
const DISK = /^(?:gpt|mbr)(?: arm64)?(?: dax)?(?: sha256:[\da-f]{64})?$/;
const SALT = /^(?:-|(?:[\da-f]{2}){1,256})$/;
const FORMAT_VERSION_MAX = 1_000_000;

/** The text of a lock file. */
export function encodeLock({ formatVersion, options, definition, references, result }: Lock): string {
  const lock = { 'blockloom-lock': LOCK_VERSION, formatVersion, options, definition, references, result };
  return `${JSON.stringify(lock, null, 2)}\n`;
}

/** Reads a lock file, which `name` names in errors. Throws `lock-invalid`. */
export function decodeLock(bytes: Uint8Array, name: string): Lock {
  const json = JsonValue.parse(bytes, name, LOCK_BYTES_MAX, 'lock-invalid');
  json.get('blockloom-lock').oneOf([LOCK_VERSION]);
  json.allowOnly(['blockloom-lock', 'formatVersion', 'options', 'definition', 'references', 'result']);
  const definition = json.get('definition').optionalString();
  return {
    formatVersion: json.get('formatVersion').integer(1, FORMAT_VERSION_MAX),
    options: readOptions(json.get('options')),
    ...(definition === undefined ? {} : { definition }),
    references: json.get('references').elements(REFERENCES_MAX).map(readReference),
    result: readResult(json.get('result')),
  };
}

/** By filesystem, but ext4 and ext2: the keys of its options, and what reads them. */
const RECORDED: Readonly<
  Record<
    string,
    { readonly keys: readonly string[]; readonly read: (json: JsonValue) => RecordedFatOptions | RecordedTarOptions }
  >
> = {
  vfat: { keys: RECORDED_FAT_OPTIONS, read: readRecordedFatOptions },
  tar: { keys: RECORDED_TAR_OPTIONS, read: readRecordedTarOptions },
};

function readOptions(json: JsonValue): LockedOptions {
  const { keys, read } = RECORDED[json.get('fs').optionalString() ?? ''] ?? {
    keys: RECORDED_OPTIONS,
    read: readRecordedOptions,
  };
  json.allowOnly([...keys, 'embedInputs', 'keepPermissions', 'veritySalt', 'veritySuperblock', 'disk']);
  const disk = json.get('disk');
  const salt = json.get('veritySalt');
  return {
    ...read(json),
    ...flag(json, 'embedInputs'),
    ...flag(json, 'keepPermissions'),
    ...(disk.isPresent ? { disk: disk.matching(DISK, 'gpt or mbr, and what else describes a disk') } : {}),
    ...(salt.isPresent ? { veritySalt: salt.matching(SALT, 'up to 256 bytes in hexadecimal, or -') } : {}),
    ...(json.get('veritySuperblock').optionalBoolean() === false ? { veritySuperblock: false } : {}),
  };
}

function flag<K extends string>(json: JsonValue, key: K): { readonly [_ in K]?: true } {
  return json.get(key).optionalBoolean() === true ? ({ [key]: true } as { readonly [_ in K]?: true }) : {};
}

function readReference(json: JsonValue): LockedReference {
  json.allowOnly(['reference', 'at', 'isInline', 'pinned', 'manifest', 'platform', 'layers']);
  const pinned = json.get('pinned').optionalString();
  const at = json.get('at').optionalString();
  const platform = json.get('platform').optionalString();
  const manifest = json.get('manifest');
  return {
    reference: json.get('reference').string(),
    ...(at === undefined ? {} : { at }),
    ...flag(json, 'isInline'),
    ...(pinned === undefined ? {} : { pinned }),
    ...(manifest.isPresent ? { manifest: readDigest(manifest) } : {}),
    ...(platform === undefined ? {} : { platform }),
    layers: json.get('layers').elements(LAYERS_MAX).map(readLayer),
  };
}

function readLayer(json: JsonValue): LockedLayer {
  json.allowOnly(['blob', 'diffId', 'contents']);
  const blob = json.get('blob');
  return { ...(blob.isPresent ? { blob: readDigest(blob) } : {}), ...readLayerIdentity(json) };
}

function readResult(json: JsonValue): Lock['result'] {
  json.allowOnly(['tree', 'uuid', 'size', 'sha256']);
  const uuid = json.get('uuid');
  return {
    tree: json.get('tree').matching(/^sha256:[\da-f]{64}$/, 'sha256:HEX'),
    ...(uuid.isPresent ? { uuid: uuid.matching(UUID, 'a UUID') } : {}),
    size: json.get('size').size(),
    sha256: json.get('sha256').matching(/^[\da-f]{64}$/, '64 hexadecimal digits'),
  };
}

function readDigest(json: JsonValue): Digest {
  const text = json.string();
  if (!isDigest(text)) throw json.invalid('sha256:HEX or sha512:HEX');
  return text;
}
