import { BlockReader, lastAtMost } from '../plan/blocks-source.ts';
import type { BytesSource } from '../plan/plan.ts';
import { attributesOf } from '../tree/metadata.ts';
import type { NameOrder } from '../tree/order.ts';
import { ROOT, type Tree } from '../tree/tree.ts';
import { type FatDirectories, leadingEntries } from './directories.ts';
import { SECTOR_SIZE } from './format/boot-sector.ts';
import {
  ATTR_ARCHIVE,
  ATTR_DIRECTORY,
  ATTR_LONG_NAME,
  ATTR_VOLUME_ID,
  ENTRY_SIZE,
  FREE_ENTRY,
  LAST_LONG_ENTRY,
  LongNameEntry,
  SHORT_NAME_LENGTH,
  ShortEntry,
  UNITS_PER_ENTRY,
} from './format/directory-entry.ts';
import { longName } from './long-names.ts';
import { type FatOptions, labelBytes } from './options.ts';
import { type FatPlacement, sizeOf } from './placement.ts';
import { shortNameChecksum } from './short-names.ts';
import { fatTime } from './times.ts';

/** What directories are made from. */
export interface DirectoryParts {
  readonly tree: Tree;
  readonly names: NameOrder;
  readonly directories: FatDirectories;
  readonly placement: FatPlacement;
  readonly options: Pick<FatOptions, 'label' | 'metadata'>;
}

const ENTRIES_PER_SECTOR = SECTOR_SIZE / ENTRY_SIZE;
const DOT = shortText('.');
const DOT_DOT = shortText('..');
const F = ShortEntry.fields;
const L = LongNameEntry.fields;
/** Where an entry has the units of a long name. */
const UNIT_OFFSETS = [L.LDIR_Name1, L.LDIR_Name2, L.LDIR_Name3].flatMap(({ offset, size }) =>
  Array.from({ length: size / 2 }, (_, i) => offset + 2 * i),
);
/** What stands behind a name's end, which is 0. */
const NAME_PADDING = 0xffff;

/** The root directory in front of the clusters, up to its last entry that is in use. */
export function rootSource(parts: DirectoryParts): BytesSource {
  const sectors = new DirectorySectors(parts);
  const length = Math.ceil(parts.directories.entries[0]! / ENTRIES_PER_SECTOR) * SECTOR_SIZE;
  const reader = new BlockReader(SECTOR_SIZE, (sector, target, view) => sectors.make(0, sector, target, view));
  return {
    length,
    read: (offset, target) => reader.read(offset, target),
    label: () => 'directory /',
    labelUnit: Math.max(length, 1),
  };
}

/** All directories that have clusters, one behind another; made when they are read. */
export function directoriesSource(parts: DirectoryParts, clusterSize: number): BytesSource {
  const { tree, directories, placement } = parts;
  const { chains, directoryChains } = placement;
  const sectors = new DirectorySectors(parts);
  // A root without clusters is no chain.
  const first = directories.inodes.length - directoryChains;
  const perCluster = clusterSize / SECTOR_SIZE;
  const chainAt = (sector: number): number =>
    lastAtMost(chains, directoryChains, chains[0]! + Math.floor(sector / perCluster));
  const reader = new BlockReader(SECTOR_SIZE, (sector, target, view) => {
    const chain = chainAt(sector);
    sectors.make(first + chain, sector - (chains[chain]! - chains[0]!) * perCluster, target, view);
  });
  return {
    length: (chains[directoryChains]! - chains[0]!) * clusterSize,
    read: (offset, target) => reader.read(offset, target),
    label: (offset) => {
      const inode = directories.inodes[first + chainAt(Math.floor(offset / SECTOR_SIZE))]!;
      return `directory /${tree.displayInode(inode)}`;
    },
    labelUnit: clusterSize,
  };
}

/** Makes directories sector by sector. */
class DirectorySectors {
  readonly #parts: DirectoryParts;
  readonly #label: Uint8Array | undefined;

  constructor(parts: DirectoryParts) {
    this.#parts = parts;
    this.#label = labelBytes(parts.options.label);
  }

  /** Makes sector `sector` of a directory in `target`, which holds zeros. */
  make(directory: number, sector: number, target: Uint8Array, view: DataView): void {
    const { names, directories } = this.#parts;
    const inode = directories.inodes[directory]!;
    const begin = sector * ENTRIES_PER_SECTOR;
    const end = Math.min(begin + ENTRIES_PER_SECTOR, directories.entries[directory]!);
    if (begin >= end) return;
    // What no name takes, so that its entries stand in one sector, is free; behind a zero readers look for nothing.
    for (let entry = begin; entry < end; entry++) target[(entry - begin) * ENTRY_SIZE] = FREE_ENTRY;
    if (begin === 0) this.#makeLeading(inode, target, view);
    const from = names.start[inode]!;
    const starts = directories.firstEntry.subarray(from, names.start[inode + 1]);
    if (starts.length === 0) return;
    const at = Math.max(begin, starts[0]!);
    for (let i = lastAtMost(starts, starts.length, at); i < starts.length && starts[i]! < end; i++) {
      const first = starts[i]!;
      const last = first + directories.longEntries[from + i]!;
      for (let entry = Math.max(first, begin); entry < Math.min(last, end); entry++)
        this.#makeLong(from + i, last - entry, view, (entry - begin) * ENTRY_SIZE);
      if (last >= begin && last < end) this.#makeShort(from + i, target, view, (last - begin) * ENTRY_SIZE);
    }
  }

  #makeLeading(inode: number, target: Uint8Array, view: DataView): void {
    const { tree, placement, options } = this.#parts;
    if (inode !== ROOT) {
      const parent = tree.parent(inode);
      this.#make(DOT, ATTR_DIRECTORY, this.#time(inode), placement.directoryCluster[inode]!, target, view, 0);
      // The root is 0, also where it has clusters.
      const parentCluster = parent === ROOT ? 0 : placement.directoryCluster[parent]!;
      this.#make(DOT_DOT, ATTR_DIRECTORY, this.#time(parent), parentCluster, target, view, ENTRY_SIZE);
    } else if (leadingEntries(ROOT, this.#label !== undefined) > 0) {
      this.#make(this.#label!, ATTR_VOLUME_ID, options.metadata.epoch, 0, target, view, 0);
    }
  }

  /** The entry that is `order`th from the short one. */
  #makeLong(position: number, order: number, view: DataView, at: number): void {
    const { tree, names, directories } = this.#parts;
    const name = longName(tree.nameBytes(names.dentries[position]!));
    const text = 'text' in name ? name.text : '';
    const isLast = order === directories.longEntries[position];
    view.setUint8(at + L.LDIR_Ord.offset, isLast ? order | LAST_LONG_ENTRY : order);
    view.setUint8(at + L.LDIR_Attr.offset, ATTR_LONG_NAME);
    const checksum = shortNameChecksum(directories.shortNames, position * SHORT_NAME_LENGTH);
    view.setUint8(at + L.LDIR_Chksum.offset, checksum);
    let index = (order - 1) * UNITS_PER_ENTRY;
    for (const offset of UNIT_OFFSETS) {
      const unit = index < text.length ? text.charCodeAt(index) : index === text.length ? 0 : NAME_PADDING;
      view.setUint16(at + offset, unit, true);
      index++;
    }
  }

  #makeShort(position: number, target: Uint8Array, view: DataView, at: number): void {
    const { tree, names, directories, placement } = this.#parts;
    const dentry = names.dentries[position]!;
    const inode = tree.dentryInode.values[dentry]!;
    const isDirectory = tree.isDirectory(inode);
    const start = position * SHORT_NAME_LENGTH;
    const name = directories.shortNames.subarray(start, start + SHORT_NAME_LENGTH);
    const cluster = isDirectory ? placement.directoryCluster[inode]! : placement.fileCluster[dentry]!;
    this.#make(name, isDirectory ? ATTR_DIRECTORY : ATTR_ARCHIVE, this.#time(inode), cluster, target, view, at);
    if (!isDirectory) view.setUint32(at + F.DIR_FileSize.offset, sizeOf(tree, inode), true);
  }

  #time(inode: number): number {
    return attributesOf(this.#parts.tree, inode, this.#parts.options.metadata).seconds;
  }

  #make(
    name: Uint8Array,
    attributes: number,
    seconds: number,
    cluster: number,
    target: Uint8Array,
    view: DataView,
    at: number,
  ): void {
    const { date, time } = fatTime(seconds);
    target.set(name, at + F.DIR_Name.offset);
    view.setUint8(at + F.DIR_Attr.offset, attributes);
    view.setUint16(at + F.DIR_WrtTime.offset, time, true);
    view.setUint16(at + F.DIR_WrtDate.offset, date, true);
    // A volume's name has one time.
    if (attributes === ATTR_VOLUME_ID) return;
    view.setUint16(at + F.DIR_CrtTime.offset, time, true);
    view.setUint16(at + F.DIR_CrtDate.offset, date, true);
    view.setUint16(at + F.DIR_LstAccDate.offset, date, true);
    view.setUint16(at + F.DIR_FstClusHI.offset, cluster >>> 16, true);
    view.setUint16(at + F.DIR_FstClusLO.offset, cluster & 0xffff, true);
  }
}

function shortText(text: string): Uint8Array {
  return new TextEncoder().encode(text.padEnd(SHORT_NAME_LENGTH));
}
