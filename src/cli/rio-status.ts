import { CommanderError } from 'commander';
import { ImageError, type ImageErrorCode } from '../core/errors.ts';

/** rio's exit statuses and, from 32 on, Repeatr's; 2 is for bugs. */
export const RioStatus = {
  usage: 1,
  crash: 2,
  warehouseUnavailable: 3,
  warehouseUnwritable: 4,
  wareNotFound: 5,
  wareCorrupt: 6,
  hashMismatch: 7,
  assemblyInvalid: 10,
  packInvalid: 11,
  inoperablePath: 12,
  filterRejection: 13,
  jobUnsuccessful: 32,
  jobInvalid: 40,
  executor: 42,
} as const;

/** What is not listed is what a ware can be: corrupt. */
const STATUS_OF: Readonly<Partial<Record<ImageErrorCode, number>>> = {
  'option-invalid': RioStatus.usage,
  'formula-invalid': RioStatus.usage,
  'warehouse-unavailable': RioStatus.warehouseUnavailable,
  'registry-failed': RioStatus.warehouseUnavailable,
  'registry-denied': RioStatus.warehouseUnavailable,
  'warehouse-unwritable': RioStatus.warehouseUnwritable,
  'ware-not-found': RioStatus.wareNotFound,
  'layer-not-found': RioStatus.wareNotFound,
  'ware-mismatch': RioStatus.hashMismatch,
  'digest-mismatch': RioStatus.hashMismatch,
  'assembly-invalid': RioStatus.assemblyInvalid,
  'pack-invalid': RioStatus.packInvalid,
  'job-invalid': RioStatus.jobInvalid,
  'image-too-small': RioStatus.inoperablePath,
  'layer-changed': RioStatus.inoperablePath,
  'layer-unreadable': RioStatus.inoperablePath,
  'output-exists': RioStatus.inoperablePath,
  'output-failed': RioStatus.inoperablePath,
  'tool-missing': RioStatus.executor,
  'guest-failed': RioStatus.executor,
  'ware-filtered': RioStatus.filterRejection,
};

/** The exit status that rio has for a failure. */
export function statusOfRio(error: unknown): number {
  if (error instanceof CommanderError) return RioStatus.usage;
  if (error instanceof ImageError) return STATUS_OF[error.code] ?? RioStatus.wareCorrupt;
  return error instanceof Error && 'syscall' in error ? RioStatus.inoperablePath : RioStatus.crash;
}
