import type { BytesSource } from '../plan/plan.ts';
import type { ContentBlocks } from './content-blocks.ts';
import type { Contents } from './contents.ts';

/** What mappings are made of. */
export interface MappingParts {
  readonly contents: Contents;
  readonly contentBlocks: ContentBlocks;
  readonly blockSize: number;
  /** The content block where the blocks of all mappings begin. */
  readonly first: number;
  /** What an inode number stands for. */
  readonly label: (ino: number) => string;
}

/** The blocks that say where inodes' contents are, and their roots in i_block: extent trees, or ext2's indirect blocks. */
export interface Mappings extends BytesSource {
  /** How many blocks the mapping of an inode takes besides its root. */
  blocksOf(ino: number): number;
  /** Writes the root of an inode's mapping into its i_block, 60 bytes at `at`. */
  writeRoot(ino: number, at: number, target: Uint8Array, view: DataView): void;
}
