import { resultDifferences } from '../core/lock/differences.ts';
import type { Lock } from '../core/lock/lock.ts';
import { openLockedImage } from '../image/locked-image.ts';
import type { LayerInput } from '../sources/layer-input.ts';
import { LockMismatch } from './failure.ts';
import { type ImageArguments, type OpenedWork, withOpened } from './image-arguments.ts';

/**
 * Opens the image of a lock, from its own references unless layers are given, does work with it, and closes it.
 * Throws LockMismatch where there is another image now.
 */
export async function withLockedImage(
  lock: Lock,
  layers: readonly LayerInput[],
  options: ImageArguments,
  signal: AbortSignal,
  work: (opened: OpenedWork) => Promise<void> | void,
): Promise<void> {
  await withOpened(
    async (given) => {
      // The lock has the epoch; the environment's is of whoever builds now.
      const locked = await openLockedImage(lock, {
        ...given,
        sourceDateEpoch: undefined,
        ...(layers.length > 0 ? { layers } : {}),
        ...(options.disk === 'none' ? { disk: 'none' } : {}),
      });
      if ('differences' in locked) throw new LockMismatch(locked.differences);
      return locked;
    },
    options,
    signal,
    work,
  );
}

/** Throws LockMismatch for an image of another digest than the lock's. */
export function checkLocked({ result }: Lock, sha256: string): void {
  const differences = resultDifferences({ sha256 }, result);
  if (differences.length > 0) throw new LockMismatch(differences);
}
