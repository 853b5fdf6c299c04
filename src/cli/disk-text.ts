import type { DiskPlan } from '../core/disk/disk-plan.ts';

/** A disk as JSON has it; places are in bytes. */
export function diskJson({ table, id, partitions }: DiskPlan): object {
  return { table, id, partitions };
}
