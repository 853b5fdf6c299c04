import { closeSync, fstatSync } from 'node:fs';
import { assert } from '../core/errors.ts';
import type { VerityFiles } from '../core/ext4/verity-files.ts';
import { entrySegments } from '../core/layer/layer-index.ts';
import type { Plan } from '../core/plan/plan.ts';
import { RegionsBuilder } from '../core/plan/regions.ts';
import { roundUp } from '../core/struct.ts';
import { descriptorBlock, fsVerityDescriptor } from '../core/verity/file-tree.ts';
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
    const trees = new FileTrees(files, layers, hash, (block, at) => writeTemporary(fd, block, at));
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
  readonly #hash: HashBlock;
  readonly #zeroHash: Uint8Array;
  readonly #write: (block: Uint8Array, at: number) => void;
  /** How many files are done, where the metadata of the next begins, and its blocks that are to come. */
  #done = 0;
  #start = 0;
  #left = 0;
  #tree: MerkleTree;
  #size = 0;
  #levels: number[] = [];

  constructor(
    files: VerityFiles,
    layers: readonly Layer[],
    hash: HashBlock,
    write: (block: Uint8Array, at: number) => void,
  ) {
    this.digests = new Uint8Array(files.count * HASH_SIZE);
    this.#files = files;
    this.#layers = layers;
    this.#hash = hash;
    this.#zeroHash = hash(new Uint8Array(VERITY_BLOCK_SIZE));
    this.#write = write;
    this.#tree = this.#begin();
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
  }

  /** Begins the next file that has blocks. */
  #begin(): MerkleTree {
    const { layer, entry, count } = this.#files;
    if (this.#done < count) {
      this.#size = this.#layers[layer[this.#done]!]!.index.size[entry[this.#done]!]!;
      this.#left = Math.ceil(this.#size / VERITY_BLOCK_SIZE);
    }
    const levels = levelBlocks(this.#left);
    // The highest level comes first.
    const next = levels.map((_, level) => levels.slice(level + 1).reduce((sum, blocks) => sum + blocks, 0));
    this.#levels = levels;
    const start = this.#start;
    this.#tree = new MerkleTree(this.#hash, (level, block) =>
      this.#write(block, start + next[level]!++ * VERITY_BLOCK_SIZE),
    );
    return this.#tree;
  }

  #endWhole(): void {
    while (this.#left === 0 && this.#done < this.#files.count) {
      const tree = this.#levels.reduce((sum, blocks) => sum + blocks, 0);
      const descriptor = fsVerityDescriptor(this.#size, this.#tree.root());
      this.digests.set(digestOf(descriptor), this.#done * HASH_SIZE);
      this.#write(descriptorBlock(descriptor), this.#start + tree * VERITY_BLOCK_SIZE);
      this.#start += (tree + 1) * VERITY_BLOCK_SIZE;
      this.#done++;
      this.#begin();
    }
  }
}

function digestOf(bytes: Uint8Array): Uint8Array {
  const hash = sha256();
  hash.update(bytes);
  return hash.digest();
}
