import type { ByteString } from '../../bytes.ts';
import type { BlockDevice } from '../../ext4/reader/block-reader.ts';
import { corrupt } from '../../ext4/reader/failure.ts';
import { EntryType, type Xattr } from '../../layer/entry.ts';
import type { DataRun, DirectoryName, ReadableFilesystem, ReadableInode, Time } from '../../reading/filesystem.ts';
import { sortNames } from '../../reading/sort-names.ts';
import { viewOf } from '../../struct.ts';
import {
  ATTR_DIRECTORY,
  ATTR_READ_ONLY,
  ATTR_VOLUME_ID,
  DIRECTORY_ENTRIES_MAX,
  ENTRY_SIZE,
  FREE_ENTRY,
  ShortEntry,
} from '../format/directory-entry.ts';
import { FIRST_CLUSTER } from '../geometry.ts';
import { secondsOf } from '../times.ts';
import { type FatVolume, readBootSector } from './boot-sector.ts';
import { ClusterChains } from './cluster-chains.ts';
import { DirectoryNames, type FatName } from './directory.ts';

/** The number of the root, which has no entry: that of one in the boot sector, where none is. */
const ROOT_INO = 1;
const DIRECTORY_MODE = 0o755;
const FILE_MODE = 0o644;
const NOT_WRITABLE = 0o555;
const PIECE_BYTES = 64 * 1024;

/**
 * A FAT12, FAT16 or FAT32 filesystem, read and never written. Inodes are numbered by where their entry stands, in entries from the begin of the image.
 * Everything belongs to root, as nothing says otherwise; times are UTC. Throws ImageError `image-corrupt` or `image-unsupported`.
 */
export class FatFilesystem implements ReadableFilesystem {
  readonly volume: FatVolume;
  readonly #device: BlockDevice;
  readonly #chains: ClusterChains;

  constructor(device: BlockDevice) {
    this.#device = device;
    this.volume = readBootSector(device);
    this.#chains = new ClusterChains(device, this.volume);
  }

  get root(): ReadableInode {
    const { root } = this.volume;
    const never = { seconds: 0, nanoseconds: 0 };
    return {
      ...common(ROOT_INO, 'cluster' in root ? root.cluster : 0),
      type: EntryType.directory,
      mode: DIRECTORY_MODE,
      size: 0,
      mtime: never,
      atime: never,
      ctime: never,
      crtime: undefined,
    };
  }

  /** The label, of the root directory's entry or else of the boot sector; empty where there is none. */
  get label(): ByteString {
    for (const { name, isLabel } of this.#entries(this.root)) if (isLabel) return name;
    return this.volume.label;
  }

  /** How many clusters are free: counted, or of FAT32, whose table may be large, as FSInfo claims. */
  get freeClusters(): number | undefined {
    const { bits, clusters, freeClusters } = this.volume;
    if (bits === 32) return freeClusters;
    let free = 0;
    for (let cluster = FIRST_CLUSTER; cluster < clusters + FIRST_CLUSTER; cluster++)
      if (this.#chains.entry(cluster) === 0) free++;
    return free;
  }

  inode(ino: number): ReadableInode {
    if (ino === ROOT_INO) return this.root;
    const bytes = new Uint8Array(ENTRY_SIZE);
    this.read(ino * ENTRY_SIZE, bytes);
    const entry = ShortEntry.read(viewOf(bytes), 0);
    const { DIR_Attr: attributes, DIR_Name: name } = entry;
    if (name[0] === 0 || name[0] === FREE_ENTRY || (attributes & ATTR_VOLUME_ID) !== 0)
      throw corrupt(`directory entry ${ino}: it is no file's`);
    const isDirectory = (attributes & ATTR_DIRECTORY) !== 0;
    // The two high bytes belong to FAT32 alone.
    const high = this.volume.bits === 32 ? entry.DIR_FstClusHI * 0x1_0000 : 0;
    const cluster = entry.DIR_FstClusLO + high;
    const size = isDirectory ? 0 : entry.DIR_FileSize;
    if (isDirectory ? cluster === 0 : size > 0 && cluster === 0)
      throw corrupt(`directory entry ${ino}: no first cluster`);
    const mode = isDirectory ? DIRECTORY_MODE : FILE_MODE;
    const mtime = timeOf(entry.DIR_WrtDate, entry.DIR_WrtTime);
    return {
      ...common(ino, size === 0 && !isDirectory ? 0 : cluster),
      type: isDirectory ? EntryType.directory : EntryType.file,
      mode: (attributes & ATTR_READ_ONLY) === 0 ? mode : mode & NOT_WRITABLE,
      size,
      mtime,
      atime: timeOf(entry.DIR_LstAccDate, 0),
      ctime: mtime,
      crtime: timeOf(entry.DIR_CrtDate, entry.DIR_CrtTime, entry.DIR_CrtTimeTenth),
    };
  }

  *names(directory: ReadableInode): Generator<DirectoryName, void> {
    for (const { name, at, isLabel } of this.#entries(directory)) if (!isLabel) yield { name, ino: at / ENTRY_SIZE };
  }

  sortedNames(directory: ReadableInode): DirectoryName[] {
    return sortNames(this.names(directory), `directory entry ${directory.ino}`);
  }

  isUnusedOwn(): boolean {
    return false;
  }

  /** Names are told apart by all their letters, as they stand in the filesystem. */
  resolve(path: ByteString): ReadableInode | undefined {
    const parents: ReadableInode[] = [];
    let current = this.root;
    for (const part of path.split('/')) {
      if (part === '' || part === '.') continue;
      if (current.type !== EntryType.directory) return undefined;
      if (part === '..') {
        current = parents.pop() ?? current;
        continue;
      }
      const found = this.#lookup(current, part);
      if (found === undefined) return undefined;
      parents.push(current);
      current = found;
    }
    return current;
  }

  #lookup(directory: ReadableInode, part: ByteString): ReadableInode | undefined {
    for (const { name, ino } of this.names(directory)) if (name === part) return this.inode(ino);
    return undefined;
  }

  *runs(inode: ReadableInode): Generator<DataRun, void> {
    const { clusterSize } = this.volume;
    if (inode.type !== EntryType.file || inode.size === 0) return;
    let offset = 0;
    const clusters = Math.ceil(inode.size / clusterSize);
    for (const { cluster, count } of this.#chains.runs(inode.place, `directory entry ${inode.ino}`, clusters)) {
      const length = Math.min(count * clusterSize, inode.size - offset);
      yield { offset, length, imageOffset: this.#clusterStart(cluster) };
      offset += length;
    }
  }

  inlineFile(): undefined {
    return undefined;
  }

  read(offset: number, target: Uint8Array): void {
    if (!(offset >= 0 && offset + target.length <= this.volume.size))
      throw corrupt(`byte ${offset} to ${offset + target.length} are not in the FAT filesystem`);
    this.#device.read(offset, target);
  }

  readFile(inode: ReadableInode, offset: number, target: Uint8Array): number {
    const end = Math.min(offset + target.length, inode.size);
    if (end <= offset) return 0;
    for (const run of this.runs(inode)) {
      const [from, to] = [Math.max(run.offset, offset), Math.min(run.offset + run.length, end)];
      if (from < to) this.read(run.imageOffset + from - run.offset, target.subarray(from - offset, to - offset));
      if (to >= end) break;
    }
    return end - offset;
  }

  /** Throws `image-corrupt`, as there are none. */
  symlinkTarget({ ino }: ReadableInode): Uint8Array {
    throw corrupt(`directory entry ${ino}: FAT has no symlinks`);
  }

  xattrs(): Xattr[] {
    return [];
  }

  /** All entries of a directory up to its end; `at` counts from the begin of the image. */
  *#entries(directory: ReadableInode): Generator<FatName, void> {
    const what = `directory entry ${directory.ino}`;
    if (directory.type !== EntryType.directory) throw corrupt(`${what} is no directory`);
    const names = new DirectoryNames();
    const buffer = new Uint8Array(PIECE_BYTES);
    let left = DIRECTORY_ENTRIES_MAX * ENTRY_SIZE;
    for (const { start, length } of this.directoryParts(directory)) {
      for (let done = 0; done < length && !names.isAtEnd; done += buffer.length) {
        const piece = buffer.subarray(0, Math.min(buffer.length, length - done));
        if ((left -= piece.length) < 0) throw corrupt(`${what}: more than ${DIRECTORY_ENTRIES_MAX} entries`);
        this.read(start + done, piece);
        for (const name of names.namesIn(piece, what)) yield { ...name, at: start + done + name.at };
      }
      if (names.isAtEnd) return;
    }
  }

  /** Where the entries of a directory are, in bytes. */
  *directoryParts(directory: ReadableInode): Generator<{ start: number; length: number }, void> {
    const { root, clusterSize } = this.volume;
    const what = `directory entry ${directory.ino}`;
    if (directory.ino === ROOT_INO && 'start' in root) return yield root;
    const countMax = Math.ceil((DIRECTORY_ENTRIES_MAX * ENTRY_SIZE) / clusterSize) + 1;
    for (const { cluster, count } of this.#chains.runs(directory.place, what, countMax, true))
      yield { start: this.#clusterStart(cluster), length: count * clusterSize };
  }

  #clusterStart(cluster: number): number {
    return this.volume.data + (cluster - FIRST_CLUSTER) * this.volume.clusterSize;
  }
}

function common(ino: number, place: number) {
  return { ino, place, uid: 0, gid: 0, links: 1, deviceMajor: 0, deviceMinor: 0 };
}

/** `tenths` are hundredths of a second on top. */
function timeOf(date: number, time: number, tenths = 0): Time {
  return {
    seconds: secondsOf({ date, time }) + Math.floor(tenths / 100),
    nanoseconds: (tenths % 100) * 10_000_000,
  };
}
