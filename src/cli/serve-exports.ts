import { existsSync } from 'node:fs';
import { ImageError } from '../core/errors.ts';
import { isImageFile, openImageFile } from '../image/file-image.ts';
import type { Verity } from '../core/verity/parameters.ts';
import type { Image } from '../image/image.ts';
import type { OpenedImage } from '../image/open-image.ts';
import { type ImageArguments, openArguments } from './image-arguments.ts';
import { inputOf, type LayerInput } from '../sources/layer-input.ts';
import type { Layer } from '../sources/layer.ts';
import type { ResolvedReference } from '../sources/resolve.ts';
import type { ProgressLine } from './progress.ts';

/** What one export is made of. */
export interface ExportArguments {
  readonly name: string;
  /** Bottom first, or one file that is an image. */
  readonly layers: readonly LayerInput[];
}

/** An export's image, and the layers that it was planned from; to be closed. */
export interface OpenedExport {
  readonly name: string;
  readonly image: Image;
  readonly layers: readonly Layer[];
  /** What was planned of them. */
  readonly planned?: OpenedImage | undefined;
  /** The hash tree behind its filesystem, where it has one. */
  readonly verity?: Verity | undefined;
  /** What the references of layers turned out to be. */
  readonly references: readonly ResolvedReference[];
  /** What opens the same image again: tags of registries, which may move, are digests here. */
  readonly lastingLayers: readonly LayerInput[];
}

const NAMED = /^([^=]+)=(.+)$/s;

/**
 * The exports that arguments describe: `NAME=REFERENCE` each, where those of one name are the layers of one image, or
 * references alone, for one export. Throws `option-invalid`.
 */
export function exportsOf(references: readonly string[], name: string | undefined): ExportArguments[] {
  const named = references.map((reference) => (existsSync(reference) ? null : NAMED.exec(reference)));
  if (named.every((match) => match === null)) return [{ name: name ?? '', layers: references }];
  const byName = new Map<string, string[]>();
  for (const [i, match] of named.entries()) {
    const [, exportName, reference] = match ?? [];
    if (exportName === undefined || reference === undefined) {
      throw new ImageError('option-invalid', `${references[i]}: expected NAME=REFERENCE, as the others are`);
    }
    byName.set(exportName, [...(byName.get(exportName) ?? []), reference]);
  }
  if (name !== undefined) {
    throw new ImageError('option-invalid', '--export names one export, and NAME=REFERENCE names others');
  }
  return Array.from(byName, ([exportName, layers]) => ({ name: exportName, layers }));
}

/** Opens the images one after the other. Throws ImageError, with those that were open closed. */
export async function openExports(
  exports: readonly ExportArguments[],
  options: ImageArguments,
  signal: AbortSignal,
  progress: ProgressLine,
): Promise<OpenedExport[]> {
  const opened: OpenedExport[] = [];
  try {
    for (const { name, layers } of exports) {
      const [first = '', ...more] = layers;
      const isFile = more.length === 0 && typeof first === 'string' && isImageFile(first);
      opened.push(
        isFile
          ? { name, image: openImageFile(first), layers: [], references: [], lastingLayers: layers }
          : { name, ...lasting(await openArguments(layers, options, signal, progress)) },
      );
    }
    return opened;
  } catch (error) {
    closeExports(opened);
    throw error;
  }
}

function lasting(planned: OpenedImage): Omit<OpenedExport, 'name'> {
  const { image, layers, references, verity } = planned;
  const lastingLayers = references.map((resolved) =>
    inputOf(resolved, resolved.origin?.transport === 'docker' ? resolved.origin.pinned : resolved.reference),
  );
  return { image, layers, references, planned, verity, lastingLayers };
}

export function closeExports(opened: readonly OpenedExport[]): void {
  for (const { image } of opened) image.close();
}

/** The diffIDs of all layers that were read whole, and which those are: the same text for the same layers. */
export function diffIdsOf(opened: readonly OpenedExport[]): string {
  return JSON.stringify(
    opened.map(({ layers, planned }) => [...layers, ...diskLayers(planned)].map(({ diffId }) => diffId ?? '')),
  );
}

const diskLayers = (planned: OpenedImage | undefined): readonly Layer[] =>
  planned === undefined ? [] : [planned.inputs.esp, ...planned.inputs.partitions].flatMap((each) => each?.layers ?? []);
