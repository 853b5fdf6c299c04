import type { ByteString } from '../bytes.ts';
import type { VerityFiles } from '../ext4/verity-files.ts';
import type { Plan } from './plan.ts';

/** Where the parts of one file, directory or symlink lie, in bytes from the filesystem's start. */
export interface Location {
  /** What tells of it: its inode, the entries of its name, its header. */
  readonly metadataOffset: number;
  readonly metadataLength: number;
  /** Its content, holes left out; of length 0 for none. */
  readonly offset: number;
  readonly length: number;
}

/** What a filesystem gives out piece by piece. */
interface Supply {
  readonly count: number;
  readonly used: number;
}

/** The plan of the filesystem that layers make, whichever it is. */
export interface FilesystemPlan extends Plan {
  /** How large the filesystem is, in bytes: what the plan has beside it stands behind it. */
  readonly filesystemSize: number;
  /** The unit in which it gives out its room, in bytes. */
  readonly blockSize: number;
  /** Those units, and what of them is in use. */
  readonly blocks: Supply;
  /** Undefined for a filesystem that has as many as it has names. */
  readonly inodes?: Supply | undefined;
  /** What tells it from others, as blkid prints it: a UUID, 1234-ABCD; undefined where it has nothing. */
  readonly id?: string | undefined;
  /** `sha256:HEX` of the tree's description. */
  readonly treeDigest: string;
  /** The files with fs-verity, whose metadata is a blob behind those of the layers; undefined where there can be none. */
  readonly verityFiles?: VerityFiles;
  /** Where a normalized path lies; undefined when the image has no such name. */
  locate(path: ByteString): Location | undefined;
}
