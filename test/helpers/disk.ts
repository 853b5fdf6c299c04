import { planBlob } from '../../src/core/disk/blob-plan.ts';
import { type DiskLayout, type DiskPlan, type Partition, planDisk } from '../../src/core/disk/disk-plan.ts';
import { sha256 } from '../../src/image/sha256.ts';

/** A partition of `length` bytes of a blob. */
export function blobPartition(firstBlob: number, length: number, more: Partial<Partition> = {}): Partition {
  return { plan: planBlob(length, 'content'), firstBlob, type: 'linux-generic', name: 'data', identity: '', ...more };
}

export function diskOf(partitions: readonly Partition[], layout: DiskLayout = { table: 'gpt' }): DiskPlan {
  return planDisk(partitions, layout, sha256);
}
