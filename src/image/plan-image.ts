import { randomBytes } from 'node:crypto';
import { ImageError } from '../core/errors.ts';
import { planExt4, type Ext4Plan, type Host } from '../core/ext4/layout.ts';
import type { Ext4Options } from '../core/ext4/options.ts';
import type { FilesystemPlan } from '../core/plan/filesystem-plan.ts';
import type { OnProgress } from '../core/progress.ts';
import { applyLayer } from '../core/tree/apply.ts';
import { Tree } from '../core/tree/tree.ts';
import { placed } from '../sources/failure.ts';
import type { Layer } from '../sources/layer.ts';
import { PlannedImage } from './image.ts';
import type { FilesystemOptions } from './options.ts';
import { sha256 } from './sha256.ts';

/** What is told while an image is planned. */
export interface PlanEvents {
  readonly onWarning?: ((warning: string) => void) | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** Merges layers, bottom first, and plans the image of a filesystem. Of their files nothing is read but what inodes hold. */
export async function planImage(
  layers: readonly Layer[],
  options: Ext4Options,
  events?: PlanEvents,
): Promise<PlannedImage<Ext4Plan>>;
export async function planImage(
  layers: readonly Layer[],
  options: FilesystemOptions,
  events?: PlanEvents,
): Promise<PlannedImage<FilesystemPlan>>;
export async function planImage(
  layers: readonly Layer[],
  options: FilesystemOptions,
  { onWarning: warn = () => undefined, onProgress }: PlanEvents = {},
): Promise<PlannedImage<FilesystemPlan>> {
  const random = new DataView(new Uint8Array(randomBytes(8)).buffer);
  const indexes = layers.map(({ index }) => index);
  const tree = new Tree(indexes, [random.getInt32(0), random.getInt32(4)]);
  try {
    let entries = 0;
    for (const [layer, { count }] of indexes.entries()) {
      applyLayer(tree, layer, options.symlinkedParents);
      entries += count;
      onProgress?.({ phase: 'planning', files: { done: entries } });
    }
    const read = (layer: number, offset: number, target: Uint8Array): void =>
      layers[layer]!.blob.readSync(offset, target);
    const host = { sha256, warn, read };
    const plan = await planFilesystem(tree, options, host);
    return new PlannedImage(
      plan,
      layers.map(({ blob }) => blob),
    );
  } catch (error) {
    throw withReference(error, layers);
  }
}

async function planFilesystem(tree: Tree, options: FilesystemOptions, host: Host): Promise<FilesystemPlan> {
  if (options.fs === 'tar') return (await import('../core/tar-image/layout.ts')).planTar(tree, options, host);
  if (options.fs === 'vfat') return (await import('../core/fat/layout.ts')).planFat(tree, options, host);
  return planExt4(tree, options, host);
}

/** Core knows layers by number; people know them by what they were opened from. */
function withReference(error: unknown, layers: readonly Layer[]): unknown {
  const layer = error instanceof ImageError ? error.context.layer : undefined;
  return layer === undefined ? error : placed(error, { layer, reference: layers[layer]?.reference });
}
