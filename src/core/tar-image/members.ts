import { type ByteString, byteString, bytesOf } from '../bytes.ts';
import { u32Column } from '../columns.ts';
import { ImageError } from '../errors.ts';
import { fileEntry } from '../ext4/runs.ts';
import { EntryType } from '../layer/entry.ts';
import { roundUp } from '../struct.ts';
import { BLOCK_BYTES } from '../tar/header.ts';
import { type UstarMember, ustarHeader, whyNotUstar } from '../tar/write-ustar.ts';
import { attributesOf, type MetadataPolicy } from '../tree/metadata.ts';
import type { NameOrder } from '../tree/order.ts';
import { NONE, ROOT, type Tree } from '../tree/tree.ts';

/** The members of a tar in their order, as columns: each has one header, and its content behind it in whole blocks. */
export class TarMembers {
  /** By member: its name in the tree. */
  readonly dentries: Uint32Array;
  /** By member, and behind the last: where its header begins, in bytes. */
  readonly start: Float64Array;
  readonly #tree: Tree;
  readonly #metadata: MetadataPolicy;

  /** Directories come before what they hold, names in the order of their bytes. Throws `limit-exceeded` or `layer-unsupported`. */
  constructor(tree: Tree, names: NameOrder, metadata: MetadataPolicy) {
    this.#tree = tree;
    this.#metadata = metadata;
    this.dentries = inOrder(tree, names);
    this.start = new Float64Array(this.dentries.length + 1);
    let end = 0;
    this.dentries.forEach((dentry, member) => {
      this.#check(member);
      this.start[member] = end;
      end += BLOCK_BYTES + roundUp(sizeOf(tree, tree.dentryInode.values[dentry]!), BLOCK_BYTES);
    });
    this.start[this.dentries.length] = end;
  }

  get count(): number {
    return this.dentries.length;
  }

  inode(member: number): number {
    return this.#tree.dentryInode.values[this.dentries[member]!]!;
  }

  /** The length of a member's content, in bytes. */
  size(member: number): number {
    return sizeOf(this.#tree, this.inode(member));
  }

  /** The 512 bytes of a member's header. */
  header(member: number): Uint8Array {
    return ustarHeader(this.#member(member));
  }

  #member(member: number): UstarMember {
    const tree = this.#tree;
    const inode = this.inode(member);
    const type = tree.inodeType.values[inode]! as EntryType;
    const { mode, uid, gid, seconds } = attributesOf(tree, inode, this.#metadata);
    const layer = tree.inodeLayer.values[inode]!;
    const index = layer === NONE ? undefined : tree.layers[layer]!;
    const entry = tree.inodeEntry.values[inode]!;
    const path = tree.path(this.dentries[member]!);
    const linkName: ByteString = type === EntryType.symlink ? byteString(tree.symlinkTarget(inode)) : '';
    return {
      type,
      name: type === EntryType.directory ? `${path}/` : path,
      linkName,
      mode,
      uid,
      gid,
      mtimeSeconds: seconds,
      storedSize: this.size(member),
      deviceMajor: index?.deviceMajor[entry] ?? 0,
      deviceMinor: index?.deviceMinor[entry] ?? 0,
    };
  }

  #check(member: number): void {
    const reason = whyNotUstar(this.#member(member));
    if (reason === undefined) return;
    const dentry = this.dentries[member]!;
    const place = { layer: this.#tree.dentryLayer.values[dentry], path: this.#tree.displayPath(dentry) };
    throw new ImageError('limit-exceeded', `${reason}, which ustar cannot hold`, place);
  }
}

function sizeOf(tree: Tree, inode: number): number {
  const file = fileEntry(tree, inode);
  return file === undefined ? 0 : file.index.size[file.entry]!;
}

/** All dentries, the root's left out as it has no name. */
function inOrder(tree: Tree, names: NameOrder): Uint32Array {
  const found = u32Column(names.dentries.length);
  const pending: { at: number; end: number }[] = [];
  const enter = (inode: number): void => void pending.push({ at: names.start[inode]!, end: names.start[inode + 1]! });
  enter(ROOT);
  for (let top = pending.at(-1); top !== undefined; top = pending.at(-1)) {
    if (top.at === top.end) {
      pending.pop();
      continue;
    }
    const dentry = names.dentries[top.at++]!;
    found.push(dentry);
    const inode = tree.dentryInode.values[dentry]!;
    if (tree.isDirectory(inode)) enter(inode);
  }
  return found.trimmed();
}

/** The member of a normalized path; undefined where there is none. */
export function memberAt(tree: Tree, members: TarMembers, path: ByteString): number | undefined {
  let directory = ROOT;
  let dentry = NONE;
  for (const name of path.split('/')) {
    dentry = tree.lookup(directory, bytesOf(name));
    if (dentry === NONE) return undefined;
    directory = tree.dentryInode.values[dentry]!;
  }
  const member = members.dentries.indexOf(dentry);
  return member < 0 ? undefined : member;
}
