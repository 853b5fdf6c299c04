import type { Command } from 'commander';
import type { OpenedImage } from '../image/open-image.ts';
import { addImageOptions, type ImageArguments, layersArgument, withImage } from './image-arguments.ts';
import { formatSize } from './units.ts';
import { formatUuid } from '../core/ext4/uuid.ts';

export function addMeasure(program: Command, signal: AbortSignal): void {
  const command = program
    .command('measure')
    .description('print the size and the counts of the image, without building it')
    .argument(...layersArgument);
  addImageOptions(command).action(async (layers: string[], options: ImageArguments) => {
    const start = performance.now();
    await withImage(layers, options, signal, ({ print, ...opened }) => {
      const measures = { ...measure(opened), milliseconds: Math.round(performance.now() - start) };
      print(options.json === true ? JSON.stringify(measures) : toText(measures));
    });
  });
}

interface Measures {
  /** The size of the image and how much of it a sparse file takes at most, in bytes. */
  readonly size: number;
  readonly allocated: number;
  readonly blocks: number;
  readonly blocksUsed: number;
  readonly inodes: number;
  readonly inodesUsed: number;
  readonly layers: number;
  readonly entries: number;
  readonly uuid: string;
}

function measure({ image, layers }: OpenedImage): Measures {
  const { geometry, blocksUsed, inodesUsed, uuid } = image.plan;
  let allocated = 0;
  for (const { length, hole } of image.extents(0, image.size, geometry.blockSize)) if (!hole) allocated += length;
  return {
    size: image.size,
    allocated,
    blocks: geometry.blocks,
    blocksUsed,
    inodes: geometry.groups * geometry.inodesPerGroup,
    inodesUsed,
    layers: layers.length,
    entries: layers.reduce((sum, { index }) => sum + index.count, 0),
    uuid: formatUuid(uuid),
  };
}

function toText(measures: Measures & { readonly milliseconds: number }): string {
  const { size, allocated, blocks, blocksUsed, inodes, inodesUsed, layers, entries, uuid, milliseconds } = measures;
  const rows = [
    ['size', `${size} (${formatSize(size)})`],
    ['allocated', `${allocated} (${formatSize(allocated)})`],
    ['blocks', `${blocksUsed} of ${blocks} in use`],
    ['inodes', `${inodesUsed} of ${inodes} in use`],
    ['layers', `${layers} with ${entries} entries`],
    ['uuid', uuid],
    ['planned in', `${milliseconds} ms`],
  ];
  return rows.map(([name, value]) => `${name!.padEnd(11)}${value}`).join('\n');
}
