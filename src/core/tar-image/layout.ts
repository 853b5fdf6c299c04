import { hexOf } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import { fileEntry } from '../ext4/runs.ts';
import type { Sha256 } from '../ext4/uuid.ts';
import { entrySegments } from '../layer/layer-index.ts';
import type { Xattr } from '../layer/entry.ts';
import { BlockReader } from '../plan/blocks-source.ts';
import type { FilesystemPlan } from '../plan/filesystem-plan.ts';
import type { BytesSource, Regions } from '../plan/plan.ts';
import { RegionsBuilder } from '../plan/regions.ts';
import { BLOCK_BYTES } from '../tar/header.ts';
import { TAR_END } from '../tar/write-header.ts';
import { describeTree } from '../tree/description.ts';
import { attributesOf, warnOfClampedTimes } from '../tree/metadata.ts';
import { type NameOrder, orderNames } from '../tree/order.ts';
import type { Tree } from '../tree/tree.ts';
import { memberAt, TarMembers } from './members.ts';
import { checkTarOptions, type TarOptions, USTAR_TIMES } from './options.ts';

/** What the layout needs of its host. */
export interface TarHost {
  readonly sha256: () => Sha256;
  readonly warn: (warning: string) => void;
}

/** A member's header, its content, and the rest of its last block. */
const REGIONS_PER_MEMBER = 3;
const NO_XATTRS: readonly Xattr[] = [];

/**
 * Plans a tar as MirageOS reads one from a block device: ustar alone, a member for every name, also for each of a file that has several.
 * Headers are made when they are read. Throws `option-invalid`, `image-too-small`, and `limit-exceeded` for what ustar cannot hold.
 */
export function planTar(tree: Tree, given: TarOptions, { sha256, warn }: TarHost): FilesystemPlan {
  checkTarOptions(given);
  const options = { ...given, metadata: { ...given.metadata, timeLimits: USTAR_TIMES } };
  warnOfClampedTimes(tree, options.metadata, warn);
  const names = orderNames(tree);
  const members = new TarMembers(tree, names, options.metadata);
  const end = members.start[members.count]! + TAR_END.length;
  const { size = end } = options;
  if (size < end) throw new ImageError('image-too-small', `a size of ${size} bytes: the tar has ${end}`);
  return {
    size,
    regions: tarRegions(tree, members, size),
    bytes: [headersSource(tree, members)],
    label: (owner, offset) => labelOf(tree, members, owner, offset),
    filesystemSize: size,
    blockSize: BLOCK_BYTES,
    blocks: { count: size / BLOCK_BYTES, used: end / BLOCK_BYTES },
    treeDigest: describe(tree, names, options, sha256()),
    locate: (path) => {
      const member = path === '' ? undefined : memberAt(tree, members, path);
      if (member === undefined) return undefined;
      const metadataOffset = members.start[member]!;
      const offset = metadataOffset + BLOCK_BYTES;
      return { metadataOffset, metadataLength: BLOCK_BYTES, offset, length: members.size(member) };
    },
  };
}

function tarRegions(tree: Tree, members: TarMembers, size: number): Regions {
  const builder = new RegionsBuilder(REGIONS_PER_MEMBER * members.count + 1);
  for (let member = 0; member < members.count; member++) {
    const owner = member + 1;
    builder.bytes(members.start[member]!, BLOCK_BYTES, 0, member * BLOCK_BYTES);
    const inode = members.inode(member);
    const file = fileEntry(tree, inode);
    if (file === undefined) continue;
    const start = builder.end;
    let from = file.index.dataOffset[file.entry]!;
    for (const { offset, length } of entrySegments(file.index, file.entry)) {
      builder.zeroTo(start + offset, owner);
      builder.blob(start + offset, length, tree.inodeLayer.values[inode]!, from, owner);
      from += length;
    }
    builder.zeroTo(members.start[member + 1]!, owner);
  }
  builder.zeroTo(size);
  return builder.finish();
}

/** All headers, one behind another. */
function headersSource(tree: Tree, members: TarMembers): BytesSource {
  const reader = new BlockReader(BLOCK_BYTES, (member, target) => target.set(members.header(member)));
  return {
    length: members.count * BLOCK_BYTES,
    read: (offset, target) => reader.read(offset, target),
    label: (offset) => `header of ${pathOf(tree, members, Math.floor(offset / BLOCK_BYTES))}`,
    labelUnit: BLOCK_BYTES,
  };
}

function labelOf(tree: Tree, members: TarMembers, owner: number, offset: number): string {
  if (owner === 0) return offset < members.start[members.count]! + TAR_END.length ? 'end of the tar' : 'behind the tar';
  const member = owner - 1;
  return `file ${pathOf(tree, members, member)} (layer ${tree.inodeLayer.values[members.inode(member)]})`;
}

const pathOf = (tree: Tree, members: TarMembers, member: number): string =>
  `/${tree.displayPath(members.dentries[member]!)}`;

/** The digest of the tree's description with what ustar holds of it: no xattrs. */
function describe(tree: Tree, names: NameOrder, { metadata }: TarOptions, sha256: Sha256): string {
  const inodes = { attributes: (inode: number) => attributesOf(tree, inode, metadata), xattrs: () => NO_XATTRS };
  describeTree(tree, names, inodes, (piece) => sha256.update(piece));
  return `sha256:${hexOf(sha256.digest())}`;
}
