import { encodeHeader } from '../../src/overlay/delta-format.ts';
import { type DeltaBase, readDelta } from '../../src/overlay/delta-reader.ts';
import { BlockMap } from '../../src/overlay/block-map.ts';
import { KeptDelta } from '../../src/overlay/kept-delta.ts';
import { MapChain } from '../../src/overlay/map-chain.ts';
import type { OverlayBase } from '../../src/overlay/overlay-view.ts';
import { UnitAllocator } from '../../src/overlay/unit-allocator.ts';
import { CrashFile } from './crash-file.ts';

const BLOCK = 4096;

/** A base in memory: a byte other than zero for each block, and every fifth block a hole. */
export function memoryBase(size: number): OverlayBase & { readonly bytes: Buffer } {
  const bytes = Buffer.alloc(size);
  for (let block = 0; block * BLOCK < size; block++) {
    if (block % 5 !== 4) bytes.fill(1 + (block % 250), block * BLOCK, Math.min((block + 1) * BLOCK, size));
  }
  return {
    size,
    bytes,
    read: (offset, target) => void bytes.copy(target, 0, offset),
    *extents(offset, length) {
      for (let at = offset; at < offset + length; ) {
        const block = Math.floor(at / BLOCK);
        const end = Math.min((block + 1) * BLOCK, offset + length);
        yield { offset: at, length: end - at, hole: block % 5 === 4 };
        at = end;
      }
    },
  };
}

/** The base that deltas of tests belong to. */
export function deltaBaseOf(size: number): DeltaBase {
  return { size, digest: new Uint8Array(32).fill(7) };
}

/** The boot id of tests, of each boot another one. */
export function bootOf(boot: number): Uint8Array {
  return new Uint8Array(16).fill(boot);
}

/** A delta in memory in which nothing has been written. */
export function emptyDelta(size: number): CrashFile {
  const file = new CrashFile(new Uint8Array(0));
  const { id, firstPage } = MapChain.checkpoint(new BlockMap(0), file, new UnitAllocator());
  const { digest } = deltaBaseOf(size);
  const header = { imageSize: size, baseDigest: digest, chainId: id, generation: 0, firstPage, syncedRecords: 0 };
  file.write(0, encodeHeader({ ...header, bootId: bootOf(1) }));
  return new CrashFile(file.bytes);
}

/** Goes on with a delta in memory, in one boot of several. */
export async function resume(file: CrashFile, size: number, boot = 1): Promise<KeptDelta> {
  return KeptDelta.resume(file, readDelta(file, deltaBaseOf(size), 'test.delta', bootOf(boot)), () => undefined);
}
