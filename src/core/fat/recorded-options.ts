import { bytesOf } from '../bytes.ts';
import { percentText, readFree } from '../ext4/recorded-options.ts';
import type { JsonValue } from '../oci/json.ts';
import { type MetadataPolicy, SECONDS_MAX, SECONDS_MIN } from '../tree/metadata.ts';
import type { SymlinkedParents } from '../tree/resolve.ts';
import { FAT_BITS, FAT_COMPATS, type FatBits, type FatCompat, type FatOptions, LABEL_LENGTH } from './options.ts';
import { formatVolumeId, volumeIdNumber } from './volume-id.ts';

/** The options that decide a FAT image, in their one spelling as JSON. Those that are optional are there only when they were given. */
export interface RecordedFatOptions {
  readonly fs: 'vfat';
  readonly fatBits?: FatBits;
  readonly fatCompat?: FatCompat;
  /** In bytes. */
  readonly size?: number;
  /** Bytes, or a percentage, as of ext4. */
  readonly free: number | string;
  readonly label: string;
  /** The volume id: `1234-ABCD`. */
  readonly uuid?: string;
  readonly symlinkedParents: SymlinkedParents;
  readonly mtime: MetadataPolicy['mtime'];
  /** Seconds since 1970. */
  readonly sourceDateEpoch: number;
}

/** The keys of RecordedFatOptions. */
export const RECORDED_FAT_OPTIONS = [
  'fs',
  'fatBits',
  'fatCompat',
  'size',
  'free',
  'label',
  'uuid',
  'symlinkedParents',
  'mtime',
  'sourceDateEpoch',
];
const VOLUME_ID = /^[\dA-F]{4}-[\dA-F]{4}$/;

export function recordFatOptions(options: FatOptions): RecordedFatOptions {
  const { fatBits, fatCompat, size, free, label, volumeId, symlinkedParents, metadata } = options;
  return {
    fs: 'vfat',
    ...(fatBits === undefined ? {} : { fatBits }),
    ...(fatCompat === undefined ? {} : { fatCompat }),
    ...(size === undefined ? {} : { size }),
    free: 'bytes' in free ? free.bytes : percentText(free),
    label: new TextDecoder().decode(bytesOf(label)),
    ...(volumeId === undefined ? {} : { uuid: formatVolumeId(volumeIdNumber(volumeId)) }),
    symlinkedParents,
    mtime: metadata.mtime,
    sourceDateEpoch: metadata.epoch,
  };
}

/** Reads what recordFatOptions gives; throws the error of `json` for what has another form. */
export function readRecordedFatOptions(json: JsonValue): RecordedFatOptions {
  const [fatBits, fatCompat, size, uuid] = [
    json.get('fatBits'),
    json.get('fatCompat'),
    json.get('size'),
    json.get('uuid'),
  ];
  return {
    fs: json.get('fs').oneOf(['vfat']),
    ...(fatBits.isPresent ? { fatBits: fatBits.oneOf(FAT_BITS) } : {}),
    ...(fatCompat.isPresent ? { fatCompat: fatCompat.oneOf(FAT_COMPATS) } : {}),
    ...(size.isPresent ? { size: size.size() } : {}),
    free: readFree(json.get('free')),
    label: json.get('label').string(LABEL_LENGTH),
    ...(uuid.isPresent ? { uuid: uuid.matching(VOLUME_ID, 'a volume id') } : {}),
    symlinkedParents: json.get('symlinkedParents').oneOf(['follow', 'replace', 'error']),
    mtime: json.get('mtime').oneOf(['fixed', 'clamp', 'keep']),
    sourceDateEpoch: json.get('sourceDateEpoch').integer(SECONDS_MIN, SECONDS_MAX),
  };
}
