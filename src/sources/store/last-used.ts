import { statSync, utimesSync } from 'node:fs';

/** What was used today need not be noted again, in milliseconds. */
const FRESH_MILLISECONDS = 24 * 60 * 60 * 1000;

/** Notes in the time of a file of the cache that it is of use, to the day; what cannot be noted is left. */
export function noteUse(path: string): void {
  try {
    const now = Date.now();
    if (now - statSync(path).mtimeMs > FRESH_MILLISECONDS) utimesSync(path, now / 1000, now / 1000);
  } catch {
    // It is gone, or the cache cannot be written: it is of use all the same.
  }
}
