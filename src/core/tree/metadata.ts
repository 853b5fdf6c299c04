import { EntryType } from '../layer/entry.ts';
import { entryXattrs, type LayerIndex } from '../layer/layer-index.ts';
import type { Xattr } from '../layer/entry.ts';
import { NONE, type Tree } from './tree.ts';

/** The default of every time: 2010-01-01T00:00:00Z. */
export const DEFAULT_EPOCH = 1_262_304_000;

/** What decides the times, owners and modes of an image where its layers' own are not simply kept. */
export interface MetadataPolicy {
  /** `fixed`: every time is the epoch; `clamp`: a layer's time, at most the epoch; `keep`: a layer's time. */
  readonly mtime: 'fixed' | 'clamp' | 'keep';
  /** Seconds since 1970. */
  readonly epoch: number;
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** Permission bits that are cleared, as a umask would; symlinks keep theirs. */
  readonly chmodMask: number;
  /** Default: ext4's. */
  readonly timeLimits?: TimeLimits | undefined;
}

/** The times that a filesystem can hold. */
export interface TimeLimits {
  readonly secondsMin: number;
  readonly secondsMax: number;
  readonly hasNanoseconds: boolean;
  /** The first and the last day, for people. */
  readonly firstDay: string;
  readonly lastDay: string;
  readonly filesystem: string;
}

/** The attributes that an inode has in the image. Times are whole seconds since 1970 and nanoseconds. */
export interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** The times that ext4 can hold: 1901-12-13T20:45:52Z to 2446-05-10T22:38:55Z. */
export const SECONDS_MIN = -(2 ** 31);
export const SECONDS_MAX = 2 ** 31 - 1 + 3 * 2 ** 32;
const EXT4_TIMES: TimeLimits = {
  secondsMin: SECONDS_MIN,
  secondsMax: SECONDS_MAX,
  hasNanoseconds: true,
  firstDay: '1901-12-13',
  lastDay: '2446-05-10',
  filesystem: 'ext4',
};
/** Inodes of 128 bytes have 32 bits for a time. */
export const EXT2_TIMES: TimeLimits = {
  secondsMin: SECONDS_MIN,
  secondsMax: 2 ** 31 - 1,
  hasNanoseconds: false,
  firstDay: '1901-12-13',
  lastDay: '2038-01-19',
  filesystem: 'ext2',
};

/** The attributes of `inode`; a directory that no layer describes is 0755 0:0 at the epoch. */
export function attributesOf(tree: Tree, inode: number, policy: MetadataPolicy): Attributes {
  const layer = tree.inodeLayer.values[inode] as number;
  if (layer === NONE) {
    const { uid, gid } = policy.owner ?? { uid: 0, gid: 0 };
    return { mode: 0o755 & ~policy.chmodMask, uid, gid, seconds: policy.epoch, nanoseconds: 0 };
  }
  return entryAttributes(tree.layers[layer] as LayerIndex, tree.inodeEntry.values[inode] as number, policy);
}

/** The attributes that entry `entry` of a layer gives an inode. */
export function entryAttributes(index: LayerIndex, entry: number, policy: MetadataPolicy): Attributes {
  const mode = index.mode[entry] as number;
  const symlink = index.type[entry] === EntryType.symlink;
  const uid = policy.owner?.uid ?? (index.uid[entry] as number);
  const gid = policy.owner?.gid ?? (index.gid[entry] as number);
  const layerSeconds = index.mtimeSeconds[entry] as number;
  const isTold = !Number.isNaN(layerSeconds) && policy.mtime !== 'fixed';
  const keep = isTold && (policy.mtime === 'keep' || layerSeconds < policy.epoch);
  const { secondsMin, secondsMax, hasNanoseconds } = policy.timeLimits ?? EXT4_TIMES;
  const seconds = keep ? Math.min(Math.max(layerSeconds, secondsMin), secondsMax) : policy.epoch;
  const isExact = keep && hasNanoseconds && seconds === layerSeconds;
  const nanoseconds = isExact ? (index.mtimeNanoseconds[entry] as number) : 0;
  return { mode: symlink ? mode : mode & ~policy.chmodMask, uid, gid, seconds, nanoseconds };
}

/** Warns, once for all, of times in use that ext4 cannot hold and that are clamped. */
export function warnOfClampedTimes(tree: Tree, policy: MetadataPolicy, warn: (warning: string) => void): void {
  if (policy.mtime === 'fixed') return;
  const { secondsMin, secondsMax, firstDay, lastDay, filesystem } = policy.timeLimits ?? EXT4_TIMES;
  let first = NONE;
  let count = 0;
  for (let inode = 0; inode < tree.inodeCount; inode++) {
    const layer = tree.inodeLayer.values[inode]!;
    if (layer === NONE || tree.inodeDentries.values[inode] === 0) continue;
    const seconds = tree.layers[layer]!.mtimeSeconds[tree.inodeEntry.values[inode]!]!;
    const clampedByPolicy = policy.mtime === 'clamp' && seconds >= policy.epoch;
    const isPossible = Number.isNaN(seconds) || (seconds >= secondsMin && seconds <= secondsMax);
    if (clampedByPolicy || isPossible) continue;
    if (count++ === 0) first = inode;
  }
  if (count === 0) return;
  const place = `layer ${tree.inodeLayer.values[first]}, entry ${tree.displayInode(first) || '/'}`;
  const others = count === 1 ? '' : `, and ${count - 1} more`;
  warn(`${place}${others}: a time outside ${firstDay} to ${lastDay} is clamped, as ${filesystem} cannot hold it`);
}

/** The xattrs of `inode` as its layer has them. */
export function xattrsOf(tree: Tree, inode: number): readonly Xattr[] {
  const layer = tree.inodeLayer.values[inode] as number;
  return layer === NONE ? [] : entryXattrs(tree.layers[layer] as LayerIndex, tree.inodeEntry.values[inode] as number);
}
