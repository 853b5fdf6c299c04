import type { Plan } from '../../src/core/plan/plan.ts';
import { RegionKind } from '../../src/core/plan/plan.ts';
import type { Blob } from '../../src/sources/layer.ts';

/** A layer's data in memory; reads past its end fail, as those of a changed file do. */
export function memoryBlob(bytes: Uint8Array): Blob {
  const readSync = (position: number, target: Uint8Array): void => {
    if (position + target.length > bytes.length)
      throw new Error(`a read to ${position + target.length} of ${bytes.length}`);
    target.set(bytes.subarray(position, position + target.length));
  };
  return {
    sourceCount: 1,
    readSync,
    read: async (position, target) => {
      await Promise.resolve();
      readSync(position, target);
    },
    sourceAt: () => 0,
    verifySource: () => undefined,
    verifyUnchanged: () => undefined,
    close: () => undefined,
  };
}

/** All bytes of a plan, region by region: the reading that every other has to equal. */
export function plainBytes(plan: Plan, blobs: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(plan.size);
  const { count, start, kind, source, offset } = plan.regions;
  for (let region = 0; region < count; region++) {
    const target = bytes.subarray(start[region], start[region + 1]);
    const from = offset[region]!;
    if (kind[region] === RegionKind.blob) target.set(blobs[source[region]!]!.subarray(from, from + target.length));
    if (kind[region] === RegionKind.bytes) plan.bytes[source[region]!]!.read(from, target);
  }
  return bytes;
}
