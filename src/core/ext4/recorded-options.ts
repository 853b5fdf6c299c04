import { bytesOf } from '../bytes.ts';
import type { JsonValue } from '../oci/json.ts';
import { type MetadataPolicy, SECONDS_MAX, SECONDS_MIN } from '../tree/metadata.ts';
import type { SymlinkedParents } from '../tree/resolve.ts';
import type { Ext4Options, Placement } from './options.ts';
import { formatUuid } from './uuid.ts';

/** The options that decide an image, in their one spelling as JSON. Those that are optional are there only when they were given. */
export interface RecordedOptions {
  readonly blockSize: Ext4Options['blockSize'];
  /** In bytes. */
  readonly size?: number;
  /** Bytes, or a percentage: `10%`. */
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
  'blockSize',
  'size',
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
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
const LABEL_LENGTH_MAX = 16;

export function recordOptions(options: Ext4Options): RecordedOptions {
  const { blockSize, size, free, inodes, label, uuid, placement, symlinkedParents } = options;
  const { mtime, epoch, owner, chmodMask } = options.metadata;
  return {
    blockSize,
    ...(size === undefined ? {} : { size }),
    free: 'bytes' in free ? free.bytes : `${free.percent}%`,
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
  const size = json.get('size');
  const inodes = json.get('inodes');
  const uuid = json.get('uuid');
  const owner = json.get('owner');
  return {
    blockSize: json.get('blockSize').oneOf([1024, 2048, 4096]),
    ...(size.isPresent ? { size: size.size() } : {}),
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

function readFree(json: JsonValue): number | string {
  const bytes = json.optionalNumber();
  if (bytes !== undefined) return bytes;
  const text = json.string();
  const percent = Number(text.slice(0, -1));
  if (text !== `${percent}%`) throw json.invalid('bytes, or a percentage');
  return text;
}
