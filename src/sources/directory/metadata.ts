import type { BigIntStats } from 'node:fs';
import { ImageError, type ImageErrorContext } from '../../core/errors.ts';
import { EntryType } from '../../core/layer/entry.ts';
import { DEVICE_MAJOR_MAX, DEVICE_MINOR_MAX } from '../../core/tar/limits.ts';

const NANOSECONDS = 1_000_000_000n;

export function entryTypeOf(stats: BigIntStats): EntryType {
  if (stats.isFile()) return EntryType.file;
  if (stats.isDirectory()) return EntryType.directory;
  if (stats.isSymbolicLink()) return EntryType.symlink;
  if (stats.isCharacterDevice()) return EntryType.characterDevice;
  if (stats.isBlockDevice()) return EntryType.blockDevice;
  return stats.isFIFO() ? EntryType.fifo : EntryType.socket;
}

/** The host's permission bits, or those that do not depend on a umask: the owner's execute bit is what counts, as in git. */
export function modeOf(stats: BigIntStats, keepPermissions: boolean): number {
  if (keepPermissions) return Number(stats.mode & 0o7777n);
  if (stats.isSymbolicLink()) return 0o777;
  const executable = stats.isDirectory() || (stats.isFile() && (stats.mode & 0o100n) !== 0n);
  return executable ? 0o755 : 0o644;
}

export function mtimeOf({ mtimeNs }: BigIntStats): { mtimeSeconds: number; mtimeNanoseconds: number } {
  const remainder = mtimeNs % NANOSECONDS;
  const fraction = remainder < 0n ? remainder + NANOSECONDS : remainder;
  return { mtimeSeconds: Number((mtimeNs - fraction) / NANOSECONDS), mtimeNanoseconds: Number(fraction) };
}

/** A device's numbers from Linux's 64-bit dev_t, as glibc's gnu_dev_major and gnu_dev_minor take it apart. */
export function deviceNumbers(
  type: EntryType,
  { rdev }: BigIntStats,
  place: ImageErrorContext,
): { deviceMajor: number; deviceMinor: number } {
  if (type !== EntryType.characterDevice && type !== EntryType.blockDevice) return { deviceMajor: 0, deviceMinor: 0 };
  const deviceMajor = Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn));
  const deviceMinor = Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n));
  if (deviceMajor <= DEVICE_MAJOR_MAX && deviceMinor <= DEVICE_MINOR_MAX) return { deviceMajor, deviceMinor };
  const what = `device ${deviceMajor}:${deviceMinor} is past ${DEVICE_MAJOR_MAX}:${DEVICE_MINOR_MAX}`;
  throw new ImageError('limit-exceeded', what, place);
}
