import { displayName } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import { EntryType } from '../layer/entry.ts';
import type { Tree } from '../tree/tree.ts';
import { contentOf, type ReadLayer } from './content.ts';
import { FilesetHash, type Sha384 } from './fileset-hash.ts';
import type { Filters } from './filters.ts';
import { type FilesetNode, walkFileset } from './walk-fileset.ts';

/** A directory of a tree, with what reads the files below it. */
export interface Fileset {
  readonly tree: Tree;
  /** The inode of its root. */
  readonly start: number;
  readonly read: ReadLayer;
}

/** How a fileset is read. */
export interface ReadFilesetOptions {
  readonly filters: Filters;
  readonly sha384: () => Sha384;
  /** Whether times lose what is below a second, as everything that rio packs does. */
  readonly wholeSeconds: boolean;
}

/**
 * A node `begins`, a file's `bytes` follow, and a file `ends` behind them, a directory behind what is in it. Bytes are good until the
 * next event.
 */
export type FilesetEvent =
  | { readonly kind: 'begins' | 'ends'; readonly node: FilesetNode }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/**
 * All of a fileset in the order of wares, behind filters; returns its hash. Each name of a file is a file of its own. Throws
 * `ware-filtered`, `pack-invalid` for a socket, or what reading throws.
 */
export function* readFileset(
  { tree, start, read }: Fileset,
  { filters, sha384, wholeSeconds }: ReadFilesetOptions,
): Generator<FilesetEvent, string> {
  const hash = new FilesetHash(sha384);
  for (const { leaves, node: found } of walkFileset(tree, start, filters)) {
    const node = wholeSeconds ? { ...found, mtimeNanoseconds: 0 } : found;
    if (leaves) {
      hash.leaveDirectory();
      yield { kind: 'ends', node };
      continue;
    }
    if (node.type === EntryType.socket)
      throw new ImageError('pack-invalid', 'a socket, which no ware can hold', { path: displayName(node.path) });
    yield { kind: 'begins', node };
    if (node.type === EntryType.directory) hash.enterDirectory(node);
    if (node.type !== EntryType.file) continue;
    const content = sha384();
    for (const bytes of contentOf(tree, node.inode, read)) {
      content.update(bytes);
      yield { kind: 'bytes', bytes };
    }
    hash.file(node, content.digest());
    yield { kind: 'ends', node };
  }
  return hash.finish();
}
