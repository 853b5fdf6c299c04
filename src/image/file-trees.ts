import { closeSync, fstatSync } from 'node:fs';
import { assert } from '../core/errors.ts';
import type { VerityFiles } from '../core/ext4/verity-files.ts';
import { entrySegments } from '../core/layer/layer-index.ts';
import type { Plan } from '../core/plan/plan.ts';
import { RegionsBuilder } from '../core/plan/regions.ts';
import { roundUp } from '../core/struct.ts';
import { fsVerityDescriptor, writeDescriptorBlock } from '../core/verity/file-tree.ts';
import { HASH_SIZE, VERITY_BLOCK_SIZE } from '../core/verity/format.ts';
import { levelBlocks } from '../core/verity/levels.ts';
import { type HashBlock, MerkleTree } from '../core/verity/merkle-tree.ts';
import { FileBlob } from '../sources/file-blob.ts';
import { identityOf } from '../sources/identity.ts';
import type { Blob, Layer } from '../sources/layer.ts';
import { openingOf, type OpenLayerOptions } from '../sources/opening.ts';
import { openTemporaryFile, writeTemporary } from '../sources/temporary-file.ts';
import { hashBlocks, type HashReceiver } from './hash-blocks.ts';
import { PlannedImage } from './image.ts';
import { LayerHashes } from './layer-hashes.ts';
import { blockHash, sha256 } from './sha256.ts';

/** How much is written at once, in bytes. */
const WRITE_BYTES = 256 * 1024;

/** The files of an image that have fs-verity, and their digests. */
export interface FileDigests {
  readonly count: number;
  /** The path of a file in the image, for people. */
  readonly label: (file: number) => string;
  /** By file, 32 bytes each: what fsverity calls the file's digest. */
  readonly digests: Uint8Array;
}

/**
 * The metadata of fs-verity of all files that have it, one after another: Merkle trees and descriptors. The files are read for it, but what
 * the cache knows of their layers; closing the blob gives back the temporary file that it is. Throws `output-failed`, or as reading layers does.
 */
export async function makeFileTrees(
  files: VerityFiles,
  layers: readonly Layer[],
  options: Pick<OpenLayerOptions, 'cache' | 'signal' | 'onWarning' | 'onProgress'>,
): Promise<{ blob: Blob; fileDigests: FileDigests }> {
  const { cache, signal, onWarning, onProgress } = openingOf('', options);
  const hashes = layers.map((layer) => new LayerHashes(cache, layer, new Uint8Array(), onWarning));
  const fd = openTemporaryFile(cache);
  try {
    const contents = new PlannedImage(
      contentsPlan(files, layers),
      layers.map(({ blob }) => blob),
    );
    const hash = blockHash();
    const trees = new FileTrees(files, layers, hash, new TreesFile(fd));
    await hashBlocks(contents, trees, hash, hashes, { signal, onProgress });
    trees.finish();
    contents.verifyUnchanged();
    for (const each of hashes) each.save();
    const { count, label } = files;
    const blob = new FileBlob(fd, identityOf(fstatSync(fd, { bigint: true })), {});
    return { blob, fileDigests: { count, label, digests: trees.digests } };
  } catch (error) {
    closeSync(fd);
    throw error;
  } finally {
    for (const each of hashes) each.close();
  }
}

/** What files hold, each in whole blocks, one after another. */
function contentsPlan({ count, layer, entry }: VerityFiles, layers: readonly Layer[]): Plan {
  const builder = new RegionsBuilder();
  for (let file = 0; file < count; file++) {
    const { index } = layers[layer[file]!]!;
    const start = builder.end;
    let from = index.dataOffset[entry[file]!]!;
    for (const { offset, length } of entrySegments(index, entry[file]!)) {
      builder.zeroTo(start + offset);
      builder.blob(start + offset, length, layer[file]!, from, file + 1);
      from += length;
    }
    builder.zeroTo(start + roundUp(index.size[entry[file]!]!, VERITY_BLOCK_SIZE));
  }
  return { size: builder.end, regions: builder.finish(), bytes: [], label: () => 'file' };
}

/** Makes the trees of files from the hashes of their blocks, file by file. */
class FileTrees implements HashReceiver {
  /** By file, 32 bytes each. */
  readonly digests: Uint8Array;
  readonly #files: VerityFiles;
  readonly #layers: readonly Layer[];
  readonly #zeroHash: Uint8Array;
  readonly #file: TreesFile;
  readonly #tree: MerkleTree;
  readonly #descriptor = new Uint8Array(VERITY_BLOCK_SIZE);
  /** How many files are done; of the next, how long it is, and how many of its blocks are to come. */
  #done = 0;
  #size = 0;
  #left = 0;
  /** Where its metadata begins, how many blocks its tree has, and by level which block is the next. */
  #start = 0;
  #blocks = 0;
  #next: number[] = [];

  constructor(files: VerityFiles, layers: readonly Layer[], hash: HashBlock, file: TreesFile) {
    this.digests = new Uint8Array(files.count * HASH_SIZE);
    this.#files = files;
    this.#layers = layers;
    this.#zeroHash = hash(new Uint8Array(VERITY_BLOCK_SIZE));
    this.#file = file;
    this.#tree = new MerkleTree(hash, (level, block) =>
      file.write(block, this.#start + this.#next[level]!++ * VERITY_BLOCK_SIZE),
    );
    this.#begin();
    this.#endWhole();
  }

  add(hash: Uint8Array): void {
    this.#tree.add(hash);
    this.#left--;
    this.#endWhole();
  }

  /** One by one: a Merkle tree in a file has all its blocks. */
  addZeros(count: number): void {
    for (let left = count; left > 0; left--) this.add(this.#zeroHash);
  }

  finish(): void {
    assert(this.#done === this.#files.count, 'the tree of every file was made');
    this.#file.flush();
  }

  #begin(): void {
    const { layer, entry, count } = this.#files;
    if (this.#done === count) return;
    this.#size = this.#layers[layer[this.#done]!]!.index.size[entry[this.#done]!]!;
    this.#left = Math.ceil(this.#size / VERITY_BLOCK_SIZE);
    const levels = levelBlocks(this.#left);
    // The highest level comes first.
    this.#next = levels.map((_, level) => levels.slice(level + 1).reduce((sum, blocks) => sum + blocks, 0));
    this.#blocks = levels.reduce((sum, blocks) => sum + blocks, 0);
    this.#tree.restart();
  }

  #endWhole(): void {
    while (this.#left === 0 && this.#done < this.#files.count) {
      const descriptor = fsVerityDescriptor(this.#size, this.#tree.root());
      this.digests.set(digestOf(descriptor), this.#done * HASH_SIZE);
      writeDescriptorBlock(this.#descriptor, descriptor);
      this.#file.write(this.#descriptor, this.#start + this.#blocks * VERITY_BLOCK_SIZE);
      this.#start += (this.#blocks + 1) * VERITY_BLOCK_SIZE;
      this.#done++;
      this.#begin();
    }
  }
}

/** Writes blocks to a file, those that follow each other at once. */
class TreesFile {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(WRITE_BYTES);
  #start = 0;
  #used = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(block: Uint8Array, position: number): void {
    if (position !== this.#start + this.#used || this.#used + block.length > WRITE_BYTES) {
      this.flush();
      this.#start = position;
    }
    this.#buffer.set(block, this.#used);
    this.#used += block.length;
  }

  flush(): void {
    writeTemporary(this.#fd, this.#buffer.subarray(0, this.#used), this.#start);
    this.#start += this.#used;
    this.#used = 0;
  }
}

function digestOf(bytes: Uint8Array): Uint8Array {
  const hash = sha256();
  hash.update(bytes);
  return hash.digest();
}
