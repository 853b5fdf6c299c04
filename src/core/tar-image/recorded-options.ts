import type { JsonValue } from '../oci/json.ts';
import { type MetadataPolicy, SECONDS_MAX, SECONDS_MIN } from '../tree/metadata.ts';
import type { SymlinkedParents } from '../tree/resolve.ts';
import type { TarOptions } from './options.ts';

/** The options that decide a tar image, in their one spelling as JSON. Those that are optional are there only when they were given. */
export interface RecordedTarOptions {
  readonly fs: 'tar';
  /** In bytes. */
  readonly size?: number;
  readonly symlinkedParents: SymlinkedParents;
  readonly mtime: MetadataPolicy['mtime'];
  /** Seconds since 1970. */
  readonly sourceDateEpoch: number;
  /** `UID:GID`. */
  readonly owner?: string;
  /** Four octal digits. */
  readonly chmodMask: string;
}

/** The keys of RecordedTarOptions. */
export const RECORDED_TAR_OPTIONS = [
  'fs',
  'size',
  'symlinkedParents',
  'mtime',
  'sourceDateEpoch',
  'owner',
  'chmodMask',
];

export function recordTarOptions({ size, symlinkedParents, metadata }: TarOptions): RecordedTarOptions {
  const { mtime, epoch, owner, chmodMask } = metadata;
  return {
    fs: 'tar',
    ...(size === undefined ? {} : { size }),
    symlinkedParents,
    mtime,
    sourceDateEpoch: epoch,
    ...(owner === undefined ? {} : { owner: `${owner.uid}:${owner.gid}` }),
    chmodMask: chmodMask.toString(8).padStart(4, '0'),
  };
}

/** Reads what recordTarOptions gives; throws the error of `json` for what has another form. */
export function readRecordedTarOptions(json: JsonValue): RecordedTarOptions {
  const [size, owner] = [json.get('size'), json.get('owner')];
  return {
    fs: json.get('fs').oneOf(['tar']),
    ...(size.isPresent ? { size: size.size() } : {}),
    symlinkedParents: json.get('symlinkedParents').oneOf(['follow', 'replace', 'error']),
    mtime: json.get('mtime').oneOf(['fixed', 'clamp', 'keep']),
    sourceDateEpoch: json.get('sourceDateEpoch').integer(SECONDS_MIN, SECONDS_MAX),
    ...(owner.isPresent ? { owner: owner.matching(/^\d{1,10}:\d{1,10}$/, 'UID:GID') } : {}),
    chmodMask: json.get('chmodMask').matching(/^[0-7]{4}$/, 'four octal digits'),
  };
}
