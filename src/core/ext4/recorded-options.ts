import { bytesOf } from '../bytes.ts';
import type { JsonValue } from '../oci/json.ts';
import { type MetadataPolicy, SECONDS_MAX, SECONDS_MIN } from '../tree/metadata.ts';
import type { SymlinkedParents } from '../tree/resolve.ts';
import { OPTIONAL_FEATURES } from './features.ts';
import { DEFAULT_MOUNT_OPTIONS } from './format/mount-options.ts';
import type { Ext4Options, Placement } from './options.ts';
import { formatUuid } from './uuid.ts';

/** The options that decide an image, in their one spelling as JSON. Those that are optional are there only when they were given. */
export interface RecordedOptions {
  readonly fs?: Ext4Options['fs'];
  /** Bytes, or `auto` for the size that mke2fs chooses. */
  readonly journal?: number | 'auto';
  /** Names with commas between them, as those of the mount options. */
  readonly features?: string;
  readonly mountOptions?: string;
  /** Patterns. */
  readonly fsverity?: readonly string[];
  readonly blockSize: Ext4Options['blockSize'];
  /** In bytes. */
  readonly size?: number;
  /** In bytes. */
  readonly deviceSize?: number;
  /** Bytes, or a percentage: `10%`, or of a percentage at least so many bytes: `10% or 16777216`. */
  readonly free: number | string;
  readonly inodes?: number;
  readonly label: string;
  readonly uuid?: string;
  readonly placement: Placement;
  readonly symlinkedParents: SymlinkedParents;
  readonly mtime: MetadataPolicy['mtime'];
  /** Seconds since 1970. */
  readonly sourceDateEpoch: number;
  /** `UID:GID`. */
  readonly owner?: string;
  /** Four octal digits. */
  readonly chmodMask: string;
}

/** The keys of RecordedOptions. */
export const RECORDED_OPTIONS = [
  'fs',
  'journal',
  'features',
  'mountOptions',
  'fsverity',
  'blockSize',
  'size',
  'deviceSize',
  'free',
  'inodes',
  'label',
  'uuid',
  'placement',
  'symlinkedParents',
  'mtime',
  'sourceDateEpoch',
  'owner',
  'chmodMask',
];
const MOUNT_OPTIONS = Object.keys(DEFAULT_MOUNT_OPTIONS);
type FreePercent = Exclude<Ext4Options['free'], { readonly bytes: number }>;
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
const LABEL_LENGTH_MAX = 16;
const PATTERNS_MAX = 1024;

export function recordOptions(options: Ext4Options): RecordedOptions {
  const { blockSize, size, deviceSize, free, inodes, label, uuid, placement, symlinkedParents } = options;
  const { fs, journal, features, mountOptions, fsverity } = options;
  const { mtime, epoch, owner, chmodMask } = options.metadata;
  return {
    ...(fs === 'ext4' ? {} : { fs }),
    ...(journal === undefined ? {} : { journal: journal.bytes ?? 'auto' }),
    ...(features.length === 0 ? {} : { features: features.join() }),
    ...(mountOptions.length === 0 ? {} : { mountOptions: mountOptions.join() }),
    ...(fsverity.length === 0
      ? {}
      : { fsverity: fsverity.map((pattern) => new TextDecoder().decode(bytesOf(pattern))) }),
    blockSize,
    ...(size === undefined ? {} : { size }),
    ...(deviceSize === undefined ? {} : { deviceSize }),
    free: 'bytes' in free ? free.bytes : percentText(free),
    ...(inodes === undefined ? {} : { inodes }),
    label: new TextDecoder().decode(bytesOf(label)),
    ...(uuid === undefined ? {} : { uuid: formatUuid(uuid) }),
    placement,
    symlinkedParents,
    mtime,
    sourceDateEpoch: epoch,
    ...(owner === undefined ? {} : { owner: `${owner.uid}:${owner.gid}` }),
    chmodMask: chmodMask.toString(8).padStart(4, '0'),
  };
}

/** Reads what recordOptions gives, among whatever else `json` has; throws its error for what has another form. */
export function readRecordedOptions(json: JsonValue): RecordedOptions {
  const fs = json.get('fs');
  const journal = json.get('journal');
  const features = json.get('features');
  const mountOptions = json.get('mountOptions');
  const fsverity = json.get('fsverity');
  const size = json.get('size');
  const deviceSize = json.get('deviceSize');
  const inodes = json.get('inodes');
  const uuid = json.get('uuid');
  const owner = json.get('owner');
  return {
    ...(fs.isPresent ? { fs: fs.oneOf(['ext4', 'ext2']) } : {}),
    ...(journal.isPresent ? { journal: readJournal(journal) } : {}),
    ...(features.isPresent ? { features: namesOf(features, OPTIONAL_FEATURES) } : {}),
    ...(mountOptions.isPresent ? { mountOptions: namesOf(mountOptions, MOUNT_OPTIONS) } : {}),
    ...(fsverity.isPresent ? { fsverity: fsverity.elements(PATTERNS_MAX).map((pattern) => pattern.string()) } : {}),
    blockSize: json.get('blockSize').oneOf([1024, 2048, 4096]),
    ...(size.isPresent ? { size: size.size() } : {}),
    ...(deviceSize.isPresent ? { deviceSize: deviceSize.size() } : {}),
    free: readFree(json.get('free')),
    ...(inodes.isPresent ? { inodes: inodes.size() } : {}),
    label: json.get('label').string(LABEL_LENGTH_MAX),
    ...(uuid.isPresent ? { uuid: uuid.matching(UUID, 'a UUID') } : {}),
    placement: json.get('placement').oneOf(['stable', 'compact']),
    symlinkedParents: json.get('symlinkedParents').oneOf(['follow', 'replace', 'error']),
    mtime: json.get('mtime').oneOf(['fixed', 'clamp', 'keep']),
    sourceDateEpoch: json.get('sourceDateEpoch').integer(SECONDS_MIN, SECONDS_MAX),
    ...(owner.isPresent ? { owner: owner.matching(/^\d{1,10}:\d{1,10}$/, 'UID:GID') } : {}),
    chmodMask: json.get('chmodMask').matching(/^[0-7]{4}$/, 'four octal digits'),
  };
}

const readJournal = (json: JsonValue): number | 'auto' =>
  json.optionalNumber() === undefined ? json.oneOf(['auto']) : json.size();

function namesOf(json: JsonValue, known: readonly string[]): string {
  const names = json.string();
  if (names.split(',').some((name) => !known.includes(name))) throw json.invalid(`names of ${known.join(', ')}`);
  return names;
}

/** `free` of RecordedOptions for a percentage. */
export const percentText = ({ percent, bytesMin }: FreePercent): string =>
  bytesMin === undefined ? `${percent}%` : `${percent}% or ${bytesMin}`;

/** The reverse of what `free` of RecordedOptions is; undefined for any other text. */
export function parseFreePercent(text: string): FreePercent | undefined {
  const [, percent, bytesMin] = /^(\d{1,7}(?:\.\d+)?(?:e-\d{1,3})?)%(?: or (\d{1,15}))?$/.exec(text) ?? [];
  if (percent === undefined) return undefined;
  const free = { percent: Number(percent), ...(bytesMin === undefined ? {} : { bytesMin: Number(bytesMin) }) };
  return percentText(free) === text ? free : undefined;
}

/** Reads `free` of RecordedOptions. */
export function readFree(json: JsonValue): number | string {
  const bytes = json.optionalNumber();
  if (bytes !== undefined) return bytes;
  const text = json.string();
  if (parseFreePercent(text) === undefined) throw json.invalid('bytes, or a percentage');
  return text;
}
