import { unsupported } from '../ext4/reader/failure.ts';
import type { DirectoryName } from './filesystem.ts';

/** How many names of one directory are put in order; they are all in memory then. */
const NAMES_MAX = 2 ** 23;

/** The names of one directory in the order of their bytes. Throws `image-unsupported` for more than can be put in order. */
export function sortNames(found: Iterable<DirectoryName>, directory: string): DirectoryName[] {
  const names: DirectoryName[] = [];
  for (const name of found) {
    if (names.push(name) > NAMES_MAX) throw unsupported(`${directory}: more than ${NAMES_MAX} names`);
  }
  return names.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
