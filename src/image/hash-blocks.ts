import type { OnProgress } from '../core/progress.ts';
import { blockRuns } from '../core/verity/block-runs.ts';
import { HASH_SIZE, VERITY_BLOCK_SIZE } from '../core/verity/format.ts';
import type { HashBlock } from '../core/verity/merkle-tree.ts';
import type { PlannedImage } from './image.ts';
import type { LayerHashes } from './layer-hashes.ts';

/** The most blocks that are read at once. */
const PIECE_BLOCKS = 256;

/** Blocks that follow each other and have to be read. */
interface Piece {
  readonly kind: 'unknown';
  readonly first: number;
  readonly hashes: (LayerHashes | undefined)[];
  /** By block: its number in `hashes`. */
  readonly numbers: number[];
}

type Step = Piece | { readonly kind: 'known' } | { readonly kind: 'zeros'; readonly count: number };

/** Takes the hashes of blocks in order. */
export interface HashReceiver {
  add(hash: Uint8Array): void;
  addZeros(count: number): void;
}

/** What long work tells and obeys. */
interface HashBlocksOptions {
  readonly signal: AbortSignal | undefined;
  readonly onProgress: OnProgress;
}

/**
 * Tells the hashes of all blocks of an image, in order: those that are known of its layers, and those of blocks that are read, which
 * are then known. `layerHashes` are by layer. Throws as reading the image does.
 */
export async function hashBlocks(
  image: PlannedImage,
  receiver: HashReceiver,
  hash: HashBlock,
  layerHashes: readonly LayerHashes[],
  { signal, onProgress }: HashBlocksOptions,
): Promise<void> {
  const known = new Uint8Array(HASH_SIZE);
  const buffers = [0, 1].map(() => new Uint8Array(PIECE_BLOCKS * VERITY_BLOCK_SIZE));
  let reading: { piece: Piece; bytes: Uint8Array; read: Promise<void> } | undefined;
  const finish = async (): Promise<void> => {
    if (reading === undefined) return;
    const { piece, bytes, read } = reading;
    await read;
    signal?.throwIfAborted();
    addBlocks(receiver, hash, piece, bytes);
    const done = (piece.first + piece.numbers.length) * VERITY_BLOCK_SIZE;
    onProgress({ phase: 'hashing blocks', bytes: { done, total: image.size }, files: image.filesBefore(done) });
  };
  for (const step of steps(image, layerHashes, known)) {
    if (step.kind === 'unknown') {
      const bytes = buffers[0]!.subarray(0, step.numbers.length * VERITY_BLOCK_SIZE);
      const read = image.readAsync(step.first * VERITY_BLOCK_SIZE, bytes);
      read.catch(() => undefined);
      await finish();
      reading = { piece: step, bytes, read };
      buffers.reverse();
      continue;
    }
    if (reading !== undefined) await finish();
    reading = undefined;
    if (step.kind === 'known') receiver.add(known);
    else receiver.addZeros(step.count);
  }
  await finish();
}

/** What is to be appended, in order; a hash that is known is in `known` until the next step. */
function* steps(image: PlannedImage, layerHashes: readonly LayerHashes[], known: Uint8Array): Generator<Step, void> {
  let piece: Piece | undefined;
  let block = 0;
  for (const run of blockRuns(image.plan)) {
    const hashes = run.kind === 'layer' ? layerHashes[run.layer] : undefined;
    const number = run.kind === 'layer' ? hashes?.numberOf(run.offset, run.length) : undefined;
    const isKnown = (i: number): boolean => number !== undefined && hashes!.get(number + i, known, 0);
    for (let i = 0; run.kind !== 'zeros' && i < run.count; i++) {
      if (isKnown(i)) {
        if (piece !== undefined) yield piece;
        piece = undefined;
        yield { kind: 'known' };
        continue;
      }
      piece ??= { kind: 'unknown', first: block + i, hashes: [], numbers: [] };
      piece.hashes.push(number === undefined ? undefined : hashes);
      piece.numbers.push(number === undefined ? -1 : number + i);
      if (piece.numbers.length < PIECE_BLOCKS) continue;
      yield piece;
      piece = undefined;
    }
    if (run.kind === 'zeros') {
      if (piece !== undefined) yield piece;
      piece = undefined;
      yield run;
    }
    block += run.count;
  }
  if (piece !== undefined) yield piece;
}

function addBlocks(receiver: HashReceiver, hash: HashBlock, { hashes, numbers }: Piece, bytes: Uint8Array): void {
  for (const [i, number] of numbers.entries()) {
    const found = hash(bytes.subarray(i * VERITY_BLOCK_SIZE, (i + 1) * VERITY_BLOCK_SIZE));
    hashes[i]?.set(number, found, 0);
    receiver.add(found);
  }
}
