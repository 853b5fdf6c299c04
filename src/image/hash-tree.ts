import { closeSync, fstatSync } from 'node:fs';
import { assert } from '../core/errors.ts';
import { VERITY_BLOCK_SIZE } from '../core/verity/format.ts';
import { layOutVerity, type VerityLayout } from '../core/verity/layout.ts';
import { MerkleTree } from '../core/verity/merkle-tree.ts';
import type { Plan } from '../core/plan/plan.ts';
import type { Verity } from '../core/verity/parameters.ts';
import { planHashTree } from '../core/verity/plan.ts';
import { makeVeritySuperblock } from '../core/verity/superblock.ts';
import { FileBlob } from '../sources/file-blob.ts';
import { identityOf } from '../sources/identity.ts';
import type { Blob, Layer } from '../sources/layer.ts';
import { openingOf, type OpenLayerOptions } from '../sources/opening.ts';
import { openTemporaryFile, writeTemporary } from '../sources/temporary-file.ts';
import { hashBlocks } from './hash-blocks.ts';
import type { PlannedImage } from './image.ts';
import { LayerHashes } from './layer-hashes.ts';
import { NO_BYTES } from './no-bytes.ts';
import { blockHash, sha256 } from './sha256.ts';

/** What making a hash tree needs, and what it tells. */
interface HashTreeOptions extends Pick<OpenLayerOptions, 'cache' | 'signal' | 'onWarning' | 'onProgress'> {
  /** Default: true. */
  readonly veritySuperblock?: boolean | undefined;
  readonly planOnly?: boolean | undefined;
}

/** A hash tree of dm-verity, and its superblock where it has one. */
export interface HashTree {
  readonly plan: Plan;
  /** The only one that the plan reads from. */
  readonly blob: Blob;
  /** Where the tree was made; as it follows what it is of. */
  readonly verity?: Verity | undefined;
}

/**
 * Makes the hash tree of an image. The whole image is read for it, but what the cache knows of its layers; the tree is in a temporary
 * file, which closing the blob gives back. Throws `output-failed`, or as reading the image does.
 */
export async function makeHashTree(
  image: PlannedImage,
  layers: readonly Layer[],
  salt: Uint8Array,
  options: HashTreeOptions,
): Promise<HashTree> {
  const layout = layOutVerity(image.plan, options.veritySuperblock);
  const plan = planHashTree(layout, blockHash(salt));
  if (options.planOnly === true) return { plan, blob: NO_BYTES };
  return { plan, ...(await makeTree(image, layers, layout, salt, options)) };
}

async function makeTree(
  image: PlannedImage,
  layers: readonly Layer[],
  layout: VerityLayout,
  salt: Uint8Array,
  options: HashTreeOptions,
): Promise<{ blob: Blob; verity: Verity }> {
  const { cache, signal, onWarning, onProgress } = openingOf('', options);
  const hashes = layers.map((layer) => new LayerHashes(cache, layer, salt, onWarning));
  const file = new TreeFile(layout, openTemporaryFile(cache));
  try {
    const hash = blockHash(salt);
    const tree = new MerkleTree(hash, (level, block) => file.store(level, block));
    await hashBlocks(image, tree, hash, hashes, { signal, onProgress });
    image.verifyUnchanged();
    for (const each of hashes) each.save();
    const rootHash = tree.root();
    const verity = { rootHash, salt, dataBlocks: layout.dataBlocks, hashOffset: image.size };
    if (!layout.hasSuperblock) return { blob: file.finish(), verity };
    const { block, uuid } = makeVeritySuperblock(layout.dataBlocks, salt, rootHash, sha256());
    return { blob: file.finish(block), verity: { ...verity, uuid } };
  } catch (error) {
    file.discard();
    throw error;
  } finally {
    for (const each of hashes) each.close();
  }
}

/** The file with what of a tree is not made from nothing, in the order of its layout. */
class TreeFile {
  readonly #fd: number;
  readonly #layout: VerityLayout;
  /** By level: the number of its next block. */
  readonly #next: number[];

  constructor(layout: VerityLayout, fd: number) {
    this.#layout = layout;
    this.#fd = fd;
    this.#next = layout.levels.map(({ firstStored }) => firstStored);
  }

  /** Appends a block of a level. */
  store(level: number, block: Uint8Array): void {
    this.#write(this.#next[level]!++, block);
  }

  /** Ends the file; it is the blob's then. */
  finish(superblock?: Uint8Array): Blob {
    assert(this.#isComplete(), 'every block of the tree was made');
    if (superblock !== undefined) this.#write(0, superblock);
    return new FileBlob(this.#fd, identityOf(fstatSync(this.#fd, { bigint: true })), {});
  }

  discard(): void {
    closeSync(this.#fd);
  }

  #isComplete(): boolean {
    const { levels, storedBlocks } = this.#layout;
    const ends = [storedBlocks, ...levels.map(({ firstStored }) => firstStored)];
    return this.#next.every((next, level) => next === ends[level]);
  }

  #write(number: number, block: Uint8Array): void {
    writeTemporary(this.#fd, block, number * VERITY_BLOCK_SIZE);
  }
}
