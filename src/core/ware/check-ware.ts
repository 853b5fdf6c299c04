import { type ByteString, displayName } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import { EntryType } from '../layer/entry.ts';
import { entryPath, type LayerIndex } from '../layer/layer-index.ts';

/**
 * Refuses what rio does not unpack: hard links, names that come twice or behind something in them, and names below what is no
 * directory. Throws `ware-corrupt`.
 */
export function checkWare(index: LayerIndex): void {
  /** Whether each name is a directory. */
  const seen = new Map<ByteString, boolean>();
  for (let entry = 0; entry < index.count; entry++) {
    const path = entryPath(index, entry);
    const refuse = (what: string): ImageError =>
      new ImageError('ware-corrupt', what, { path: displayName(path), offset: index.headerOffset[entry] });
    if (index.type[entry] === EntryType.hardLink) throw refuse('a hard link, which no ware may have');
    if (seen.has(path)) throw refuse('the name comes twice, or behind something in it');
    const isDirectory = index.type[entry] === EntryType.directory;
    if (path === '' && !isDirectory) throw refuse('the root is not a directory');
    if (path !== '') imply(parentOf(path), seen, refuse);
    seen.set(path, isDirectory);
  }
}

/** Notes a directory and those that it is in. */
function imply(path: ByteString, seen: Map<ByteString, boolean>, refuse: (what: string) => ImageError): void {
  for (let parent = path; ; parent = parentOf(parent)) {
    const known = seen.get(parent);
    if (known === true) return;
    if (known === false) throw refuse(`its parent ${displayName(parent)} is not a directory`);
    seen.set(parent, true);
    if (parent === '') return;
  }
}

const parentOf = (path: ByteString): ByteString => path.slice(0, Math.max(path.lastIndexOf('/'), 0));
