import { removeIfPresent } from './cache-directory.ts';
import { openFilesBelow } from './in-use.ts';
import { listStore, type Stored } from './listing.ts';

/** What a cache may keep; leftovers go anyway. */
export interface PruneOptions {
  /** The most that is left, in bytes on the disk: what was used last stays. */
  readonly bytesMax?: number | undefined;
  /** What was not used for so long goes, in milliseconds. */
  readonly ageMax?: number | undefined;
  /** All goes, what this version does not know included. */
  readonly all?: boolean | undefined;
  /** Nothing is removed; it is told what would be. */
  readonly dryRun?: boolean | undefined;
}

/** What was removed, and what was left. */
export interface Pruned {
  readonly removed: readonly Stored[];
  readonly kept: readonly Stored[];
  /** Of `kept`, what would have gone but for the processes that have it open. */
  readonly inUse: readonly Stored[];
}

/** Removes what a cache need not keep, what was used least lately first, and nothing that a process has open. */
export function pruneStore(cache: string, options: PruneOptions): Pruned {
  const open = openFilesBelow(cache);
  const stored = listStore(cache);
  const removed: Stored[] = [];
  const kept: Stored[] = [];
  const inUse: Stored[] = [];
  let left = stored.reduce((sum, { allocated }) => sum + allocated, 0);
  for (const item of stored.toReversed()) {
    const goes = isUnwanted(item, options) || (isRemovable(item) && left > (options.bytesMax ?? Infinity));
    const isOpen = item.paths.some((path) => open.has(path));
    if (!goes || isOpen) {
      kept.push(item);
      if (goes) inUse.push(item);
      continue;
    }
    if (options.dryRun !== true) for (const path of item.paths) removeIfPresent(path);
    removed.push(item);
    left -= item.allocated;
  }
  return { removed, kept: kept.reverse(), inUse };
}

function isUnwanted(item: Stored, { all, ageMax }: PruneOptions): boolean {
  if (item.kind === 'leftover') return true;
  if (all === true) return item.kind !== 'unfinished';
  return isRemovable(item) && ageMax !== undefined && Date.now() - item.lastUsed > ageMax;
}

function isRemovable({ kind }: Stored): boolean {
  return kind === 'layer' || kind === 'index' || kind === 'hashes' || kind === 'record' || kind === 'document';
}
