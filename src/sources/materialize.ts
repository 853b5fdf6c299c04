import { fstatSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { ImageError, type ImageErrorContext } from '../core/errors.ts';
import { errnoOf } from './failure.ts';
import { identityOf } from './identity.ts';
import type { Opening } from './opening.ts';
import { type OpenBlob, publishBlob } from './store/blob-store.ts';
import { prepareStaging } from './store/cache-directory.ts';
import { StagingFile } from './store/staging-file.ts';

/** An uncompressed tar that was a stream, and the digest of all of it. */
export interface MaterializedTar extends OpenBlob {
  readonly diffId: string;
  /** Whether the cache has it now. */
  readonly isCached: boolean;
}

/**
 * Writes `stream` to a file of the cache, or to one without a name when there is no cache or it cannot be written. Throws
 * `digest-mismatch` when it has another diffID than the one that is expected.
 */
export async function materialize(
  stream: AsyncIterable<Uint8Array>,
  opening: Opening,
  expectedDiffId?: string,
): Promise<MaterializedTar> {
  const { signal, onWarning } = opening;
  const { staged, cache } = stage(opening);
  try {
    for await (const chunk of stream) {
      signal?.throwIfAborted();
      await staged.append(chunk);
    }
    const { diffId } = staged.finish();
    checkDiffId(diffId, expectedDiffId, opening.context);
    const isCached = cache !== undefined && publish(cache, diffId, staged, onWarning);
    staged.unlink();
    return { fd: staged.fd, identity: identityOf(fstatSync(staged.fd, { bigint: true })), diffId, isCached };
  } catch (error) {
    staged.discard();
    throw error;
  }
}

/** Throws `digest-mismatch` when a layer is not the one that its image names. */
export function checkDiffId(diffId: string, expected: string | undefined, context: ImageErrorContext): void {
  if (expected === undefined || diffId === expected) return;
  const what = `the layer has the diffID ${diffId} when decompressed, its image says ${expected}`;
  throw new ImageError('digest-mismatch', what, context);
}

/** A new file, and the cache that it is in. */
function stage(opening: Opening): { staged: StagingFile; cache: string | undefined } {
  const { cache, layerBytesMax, onWarning, context } = opening;
  if (cache !== undefined) {
    try {
      return { staged: new StagingFile(prepareStaging(cache), layerBytesMax, context), cache };
    } catch (error) {
      onWarning(`the cache ${cache} cannot be written (${errnoOf(error)}), a temporary file is used`);
    }
  }
  try {
    const staged = new StagingFile(tmpdir(), layerBytesMax, context);
    staged.unlink();
    return { staged, cache: undefined };
  } catch (error) {
    const what = `no temporary file can be made in ${tmpdir()} (${errnoOf(error)})`;
    throw new ImageError('output-failed', what, context, { cause: error });
  }
}

/** The file is whole and open: what goes wrong here costs the next run time, and this one nothing. */
function publish(cache: string, diffId: string, staged: StagingFile, onWarning: (message: string) => void): boolean {
  try {
    publishBlob(cache, diffId, staged);
    return true;
  } catch (error) {
    onWarning(`the cache ${cache} does not keep the layer ${diffId}: ${(error as Error).message}`);
    return false;
  }
}
