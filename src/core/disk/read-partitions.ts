import { corrupt } from '../ext4/reader/failure.ts';
import type { PartitionTable } from './disk-plan.ts';

/** A partition as a table has it. Places are in bytes. */
export interface ReadPartition {
  /** From 1; of an MBR those in an extended partition from 5. */
  readonly number: number;
  /** GPT's type as a UUID, MBR's as `0x83`. */
  readonly type: string;
  /** What that is called, where it is known: `esp`, `root-x86-64`. */
  readonly typeName: string | undefined;
  /** The name that a GPT has of it; empty in an MBR. */
  readonly name: string;
  /** As /dev/disk/by-partuuid has it. */
  readonly partuuid: string;
  readonly start: number;
  readonly length: number;
  /** Whether it only holds others. */
  readonly isExtended: boolean;
}

/** Bytes that a table takes. */
export interface TablePart {
  readonly start: number;
  readonly length: number;
  /** For people. */
  readonly label: string;
}

/** A partition table that was read. */
export interface ReadTable {
  readonly table: PartitionTable;
  /** The GPT's GUID as text, or the MBR's signature in 8 hexadecimal digits. */
  readonly id: string;
  /** In the order of their numbers. */
  readonly partitions: readonly ReadPartition[];
  /** Where the table itself is, as far as it was read. */
  readonly parts: readonly TablePart[];
  /** What is not as it should be, but does not keep the table from being read. */
  readonly warnings: readonly string[];
}

/** Throws `image-corrupt` for partitions that have bytes in common. */
export function checkOverlaps(partitions: readonly ReadPartition[]): void {
  const inOrder = partitions.toSorted((a, b) => a.start - b.start);
  inOrder.forEach((partition, i) => {
    const next = inOrder[i + 1];
    if (next === undefined || partition.start + partition.length <= next.start) return;
    throw corrupt(`the partitions ${partition.number} and ${next.number} overlap`);
  });
}
