import { createHash, randomBytes } from 'node:crypto';
import { ImageError } from '../../core/errors.ts';
import { applyLayer, type WhiteoutNames } from '../../core/tree/apply.ts';
import type { HashKey } from '../../core/tree/name-hash.ts';
import { ROOT, Tree } from '../../core/tree/tree.ts';
import { checkWare } from '../../core/ware/check-ware.ts';
import type { Sha384 } from '../../core/ware/fileset-hash.ts';
import type { Fileset } from '../../core/ware/read-fileset.ts';
import { placed } from '../failure.ts';
import type { Layer } from '../layer.ts';

/** A fileset whose layers are open. */
export interface OpenFileset extends Fileset {
  readonly layers: readonly Layer[];
  close(): void;
}

/** The host's own. */
export function sha384(): Sha384 {
  const hash = createHash('sha384');
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
}

/** A key of the table of names that nobody can know. */
export function randomKey(): HashKey {
  const random = randomBytes(8);
  return [random.readInt32LE(0), random.readInt32LE(4)];
}

/** The fileset in a ware: as rio reads it, where names are names and hard links are refused. Throws `ware-corrupt`, and closes it then. */
export function filesetOfWare(layer: Layer): OpenFileset {
  return filesetOf([layer], 'plain', () => checkWare(layer.index));
}

/** The fileset in a directory of the host. */
export const filesetOfDirectory = (layer: Layer): OpenFileset => filesetOf([layer], 'plain');

/** The fileset that layers make, as a container has it. */
export const filesetOfLayers = (layers: readonly Layer[]): OpenFileset => filesetOf(layers, 'whiteouts');

function filesetOf(layers: readonly Layer[], names: WhiteoutNames, check: () => void = () => undefined): OpenFileset {
  const close = (): void => {
    for (const { blob } of layers) blob.close();
  };
  try {
    check();
    const tree = new Tree(
      layers.map(({ index }) => index),
      randomKey(),
    );
    layers.forEach((_, layer) => applyLayer(tree, layer, 'follow', names));
    return { tree, start: ROOT, layers, close, read: readerOf(layers) };
  } catch (error) {
    close();
    const layer = error instanceof ImageError ? (error.context.layer ?? 0) : 0;
    throw placed(error, { layer: layers.length > 1 ? layer : undefined, reference: layers[layer]?.reference });
  }
}

/** Reads the data of layers. */
export function readerOf(layers: readonly Layer[]): Fileset['read'] {
  return (layer, offset, target) => layers[layer]!.blob.readSync(offset, target);
}
