import { readFileSync } from 'node:fs';

/** The size of a boot id in bytes. */
export const BOOT_ID_BYTES = 16;

/** The same as no boot's. */
export const NO_BOOT = new Uint8Array(BOOT_ID_BYTES);

/**
 * A number that Linux draws when it starts: while it is the same, what any process wrote to a file is there, synced or not.
 * NO_BOOT where the system has none.
 */
export function bootId(): Uint8Array {
  const id = NO_BOOT.slice();
  try {
    id.set(Buffer.from(readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').replace(/[-\n]/g, ''), 'hex'));
  } catch {
    // Another system, or one that hides it.
  }
  return id;
}
