import { ImageError } from '../core/errors.ts';
import { openFileBlob } from '../sources/file-blob.ts';
import type { Blob, Layer } from '../sources/layer.ts';
import type { LayerInput } from '../sources/layer-input.ts';
import { openLayers, type OpenedLayers, type OpenLayersOptions } from '../sources/open-layers.ts';
import type { DiskOptions, PartitionOptions } from './disk-options.ts';

/** All that an image is made of, open. */
export interface OpenedInputs extends OpenedLayers {
  /** Of a disk with an EFI system partition. */
  readonly esp?: OpenedLayers | undefined;
  /** What the other partitions of a disk hold, in their order. */
  readonly partitions: readonly OpenedPartition[];
}

export interface OpenedPartition extends OpenedLayers {
  readonly options: PartitionOptions;
  /** Of a partition that is a file. */
  readonly file?: OpenedFile | undefined;
}

/** A file of the host that is a partition. */
export interface OpenedFile {
  readonly path: string;
  readonly blob: Blob;
  /** In bytes. */
  readonly size: number;
}

/** Opens the layers of an image, and what the partitions of its disk hold. Throws ImageError, with all that was open closed. */
export async function openInputs(
  layers: readonly LayerInput[],
  disk: DiskOptions | undefined,
  options: OpenLayersOptions,
): Promise<OpenedInputs> {
  const partitions = disk?.partitions ?? [];
  const groups = [layers, disk?.esp?.layers ?? [], ...partitions.map(layersOf)];
  const files: (OpenedFile | undefined)[] = [];
  try {
    for (const partition of partitions) files.push('file' in partition ? openFile(partition.file) : undefined);
    const opened = divide(await openLayers(groups.flat(), options), groups);
    const [own, esp, ...others] = opened as [OpenedLayers, OpenedLayers, ...OpenedLayers[]];
    return {
      ...own,
      ...(disk?.esp === undefined ? {} : { esp }),
      partitions: partitions.map((partition, i) => ({ ...others[i]!, options: partition, file: files[i] })),
    };
  } catch (error) {
    for (const file of files) file?.blob.close();
    throw error;
  }
}

/** Everything that inputs have open; closing it closes them. */
export function blobsOf({ layers, esp, partitions }: OpenedInputs): Blob[] {
  return [
    ...layers.map(({ blob }) => blob),
    ...(esp?.layers ?? []).map(({ blob }) => blob),
    ...partitions.flatMap((partition) => partitionBlobs(partition)),
  ];
}

/** What a partition's plan reads from, in the order of its numbers. */
export function partitionBlobs({ layers, file }: OpenedPartition): Blob[] {
  return file === undefined ? layers.map(({ blob }) => blob) : [file.blob];
}

const layersOf = (partition: PartitionOptions): readonly LayerInput[] =>
  'layers' in partition ? partition.layers : [];

/** What was opened of the inputs of groups that were opened as one. */
function divide({ layers, references }: OpenedLayers, groups: readonly (readonly LayerInput[])[]): OpenedLayers[] {
  let [reference, layer] = [0, 0];
  return groups.map((group) => {
    const own = references.slice(reference, (reference += group.length));
    const count = own.reduce((sum, { layers: each }) => sum + each.length, 0);
    const ownLayers: readonly Layer[] = layers.slice(layer, (layer += count));
    return { layers: ownLayers, references: own };
  });
}

/** Throws ImageError for what is no file, or an empty one. */
export function openFile(path: string): OpenedFile {
  const { blob, stats } = openFileBlob(path);
  if (stats.isFile() && stats.size > 0n) return { path, blob, size: Number(stats.size) };
  blob.close();
  throw new ImageError('layer-unsupported', stats.isFile() ? 'it is empty' : 'it is no file', { reference: path });
}
