import { type ByteString, byteString } from '../bytes.ts';
import { EntryType, type Xattr } from '../layer/entry.ts';
import { entryLinkPathBytes } from '../layer/layer-index.ts';
import { DEFAULT_EPOCH, xattrsOf } from '../tree/metadata.ts';
import { NONE, type Tree } from '../tree/tree.ts';
import { applyFilters, type Filters } from './filters.ts';

/** A name of a fileset with all that a ware says of it. */
export interface FilesetNode {
  /** From the fileset's root, which is `''`. */
  readonly path: ByteString;
  /** The last name; `.` for the root. */
  readonly name: ByteString;
  readonly type: EntryType;
  /** Permission bits, set-id and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** A symlink's text, else `''`. */
  readonly linkPath: ByteString;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly xattrs: readonly Xattr[];
  /** Of a file, with its holes, in bytes; else 0. */
  readonly size: number;
  /** Where the tree has it. */
  readonly inode: number;
}

/** A directory comes before what is in it, and is left behind it. */
export interface FilesetStep {
  readonly leaves: boolean;
  readonly node: FilesetNode;
}

/**
 * What is below the directory `start` of a tree, itself first, behind filters: in the order of wares, which is that of the bytes of
 * names with a slash behind those of directories. Throws `ware-filtered`.
 */
export function* walkFileset(tree: Tree, start: number, filters: Filters): Generator<FilesetStep, void> {
  const open: { node: FilesetNode; rest: Child[] }[] = [];
  const root = applyFilters(nodeOf(tree, start, '', '.'), filters)!;
  open.push({ node: root, rest: childrenOf(tree, start) });
  yield { leaves: false, node: root };
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const child = top.rest.pop();
    if (child === undefined) {
      open.pop();
      yield { leaves: true, node: top.node };
      continue;
    }
    const path = top.node.path === '' ? child.name : `${top.node.path}/${child.name}`;
    const node = applyFilters(nodeOf(tree, child.inode, path, child.name), filters);
    if (node === undefined) continue;
    yield { leaves: false, node };
    if (node.type === EntryType.directory) open.push({ node, rest: childrenOf(tree, child.inode) });
  }
}

interface Child {
  readonly name: ByteString;
  readonly inode: number;
}

/** Last first. */
function childrenOf(tree: Tree, directory: number): Child[] {
  const children = tree.children(directory).map((dentry) => {
    const inode = tree.dentryInode.values[dentry]!;
    const name = byteString(tree.nameBytes(dentry));
    return { name, inode, key: tree.isDirectory(inode) ? `${name}/` : name };
  });
  return children.sort((a, b) => (a.key < b.key ? 1 : -1));
}

/** A directory that is only implied is 0755 0:0 at 2010-01-01, as rio makes it. */
const IMPLIED = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: DEFAULT_EPOCH, mtimeNanoseconds: 0 };
/** Go's archive/tar, which rio is made of, reads no record of an attribute without a value, and has no name with `=`. */
const isKept = ({ name, value }: Xattr): boolean => value.length > 0 && !name.includes('=');

const PLAIN = { linkPath: '', deviceMajor: 0, deviceMinor: 0, xattrs: [], size: 0 };

function nodeOf(tree: Tree, inode: number, path: ByteString, name: ByteString): FilesetNode {
  const type = tree.inodeType.values[inode] as EntryType;
  const layer = tree.inodeLayer.values[inode]!;
  if (layer === NONE) return { ...PLAIN, ...IMPLIED, path, name, type, inode };
  const index = tree.layers[layer]!;
  const entry = tree.inodeEntry.values[inode]!;
  const seconds = index.mtimeSeconds[entry]!;
  return {
    path,
    name,
    type,
    mode: index.mode[entry]!,
    uid: index.uid[entry]!,
    gid: index.gid[entry]!,
    mtimeSeconds: Number.isNaN(seconds) ? DEFAULT_EPOCH : seconds,
    mtimeNanoseconds: index.mtimeNanoseconds[entry]!,
    linkPath: type === EntryType.symlink ? byteString(entryLinkPathBytes(index, entry)) : '',
    deviceMajor: index.deviceMajor[entry]!,
    deviceMinor: index.deviceMinor[entry]!,
    xattrs: xattrsOf(tree, inode).filter(isKept),
    size: index.size[entry]!,
    inode,
  };
}
