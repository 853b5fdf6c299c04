import { statSync } from 'node:fs';
import pLimit from 'p-limit';
import { type ByteString, bytesOf, displayName, utf8ByteString } from './core/bytes.ts';
import { ImageError } from './core/errors.ts';
import { assemble, type Mount, mountOrder } from './core/formula/assemble.ts';
import { withDefaults } from './core/formula/cradle.ts';
import type { Formula, FormulaContext } from './core/formula/formula.ts';
import { NONE, ROOT } from './core/tree/tree.ts';
import type { LayerIndex } from './core/layer/layer-index.ts';
import { filterIndex } from './core/ware/filter-index.ts';
import { type Filters, LOSSLESS } from './core/ware/filters.ts';
import { parseWareId } from './core/ware/ware-id.ts';
import { NO_BYTES } from './image/no-bytes.ts';
import { type OpenedImage, type OpenImageOptions, planInputs } from './image/open-image.ts';
import type { Layer } from './sources/layer.ts';
import { openLayer } from './sources/open-layer.ts';
import type { OpenLayersOptions } from './sources/open-layers.ts';
import { filesetOfDirectory, type OpenFileset, randomKey, readerOf } from './sources/ware/fileset.ts';
import { openWare } from './sources/ware/open-fileset.ts';

/** How many wares are fetched at once. */
const JOBS = 4;

/**
 * The filesystem of a formula: its inputs fetched, verified and put together; directories of this host are as they are now. Throws `assembly-invalid`, and what fetching throws:
 * `warehouse-unavailable`, `ware-not-found`, `ware-mismatch`, `ware-corrupt`.
 */
export async function openWorkspace(
  formula: Formula,
  context: FormulaContext,
  options: OpenLayersOptions = {},
): Promise<OpenFileset> {
  const full = withDefaults(formula);
  const mounts = mountOrder(full).map((mount) => ({ ...mount, open: openerOf(mount, context, options) }));
  const inputs = new Map<string, OpenFileset>();
  const limit = pLimit(options.jobs ?? JOBS);
  const opened = await Promise.allSettled(
    mounts.map(async ({ path, open }) => limit(async () => inputs.set(path, await open()))),
  );
  const close = (): void => {
    for (const input of inputs.values()) input.close();
  };
  try {
    for (const result of opened) if (result.status === 'rejected') throw result.reason;
    const filters = new Map(
      mounts.map((mount) => [mount.path, mount.directory === undefined ? mount.filters : LOSSLESS]),
    );
    const indexOf = (path: string): LayerIndex => filtered(layerOf(inputs, path).index, filters.get(path)!);
    const { tree, layers: assembled } = assemble(full, indexOf, randomKey());
    const layers = assembled.map(({ index, input }): Layer => {
      if (input === undefined) return { reference: 'the formula', index, blob: NO_BYTES };
      return { ...layerOf(inputs, input), index };
    });
    return { tree, start: ROOT, layers, read: readerOf(layers), close };
  } catch (error) {
    close();
    throw error;
  }
}

const filtered = (index: LayerIndex, filters: Filters): LayerIndex =>
  filters === LOSSLESS ? index : filterIndex(index, filters);

/** What opens an input. Throws `option-invalid` for what is no WareID. */
function openerOf(
  { path, directory, ware }: Mount,
  { fetchUrls }: FormulaContext,
  options: OpenLayersOptions,
): () => Promise<OpenFileset> {
  if (directory !== undefined) return async () => openHostDirectory(path, directory, options);
  const id = parseWareId(ware);
  return async () => openWare(id, fetchUrls.get(path) ?? [], options);
}

/** With the owners and modes that it has, as Repeatr mounts it. */
async function openHostDirectory(path: string, directory: string, options: OpenLayersOptions): Promise<OpenFileset> {
  const shown = displayName(utf8ByteString(directory));
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new ImageError('assembly-invalid', `${shown}, which is to be at ${path}, is no directory of this host`);
  options.onWarning?.(`what is in ${shown} is not in the formula's name, and the same formula may give something else`);
  return filesetOfDirectory(await openLayer(`dir:${directory}`, { ...options, keepPermissions: true }));
}

/** A ware is one layer, and so is a directory. */
const layerOf = (inputs: ReadonlyMap<string, OpenFileset>, path: string): Layer => inputs.get(path)!.layers[0]!;

/** The image of the filesystem that a formula begins with. Times are those of the wares unless the options say otherwise. Throws as `openWorkspace` does. */
export async function openFormulaImage(
  formula: Formula,
  context: FormulaContext,
  options: Omit<OpenImageOptions, 'layers'> = {},
): Promise<OpenedImage> {
  const { layers } = await openWorkspace(formula, context, options);
  return planInputs(
    { layers, references: [], partitions: [] },
    { mtime: 'keep', ...options, symlinkedParents: 'error' },
  );
}

/**
 * The part of a fileset below a path, without a leading slash; undefined where there is nothing. It is open as long as the whole. Throws `pack-invalid` for what is no
 * directory, and for a path through a symlink.
 */
export function partOf(fileset: OpenFileset, path: ByteString): OpenFileset | undefined {
  const { tree } = fileset;
  let inode = fileset.start;
  for (const name of path.split('/').filter((each) => each !== '')) {
    if (!tree.isDirectory(inode)) throw notADirectory(path);
    const dentry = tree.lookup(inode, bytesOf(name));
    if (dentry === NONE) return undefined;
    inode = tree.dentryInode.values[dentry]!;
  }
  if (!tree.isDirectory(inode)) throw notADirectory(path);
  return { ...fileset, start: inode, close: () => undefined };
}

function notADirectory(path: ByteString): ImageError {
  return new ImageError('pack-invalid', `/${displayName(path)} is no directory, or lies behind what is none`);
}
