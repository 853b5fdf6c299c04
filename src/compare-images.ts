import { setImmediate } from 'node:timers/promises';
import type { ReadableFilesystem } from './core/reading/filesystem.ts';
import { compareTrees, type PathDifference } from './core/reading/compare-trees.ts';
import type { PumpOptions } from './sinks/pump.ts';

/** How many paths two filesystems have, by what became of them. */
export interface PathCounts {
  added: number;
  removed: number;
  changed: number;
  same: number;
}

/** What a comparison of paths tells and obeys. */
export interface ComparePathsOptions extends PumpOptions {
  /** Called with each path that differs, in the order of paths. The comparison waits for it. */
  readonly onDifference?: ((difference: PathDifference) => Promise<void> | void) | undefined;
}

/** After so many paths others have their turn. */
const TURN_PATHS = 256;

/**
 * Compares what two filesystems hold, path by path: types, modes, owners, times, xattrs, hard links, and contents whatever the
 * times say. Memory does not grow with the number of files, but for those with several names. Throws as reading does.
 */
export async function comparePaths(
  before: ReadableFilesystem,
  after: ReadableFilesystem,
  { signal, onProgress, onDifference }: ComparePathsOptions = {},
): Promise<PathCounts> {
  const counts = { added: 0, removed: 0, changed: 0, same: 0 };
  let done = 0;
  for (const difference of compareTrees(before, after)) {
    if (++done % TURN_PATHS === 0) {
      await setImmediate();
      onProgress?.({ phase: 'comparing', files: { done } });
    }
    signal?.throwIfAborted();
    counts[difference.isSame ? 'same' : difference.kind]++;
    if (!difference.isSame) await onDifference?.(difference);
  }
  return counts;
}
