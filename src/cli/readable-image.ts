import type { Command } from 'commander';
import { byteString } from '../core/bytes.ts';
import type { ByteString } from '../core/bytes.ts';
import type { Image } from '../image/image.ts';
import { type FoundFilesystem, openFilesystem, readDisk } from '../image/open-filesystem.ts';
import type { OpenedImage } from '../image/open-image.ts';
import { ImageError } from '../core/errors.ts';
import type { PumpOptions } from '../sinks/pump.ts';
import { openMergedImage } from '../merged-image.ts';
import type { LayerInput } from '../sources/layer-input.ts';
import type { Layer } from '../sources/layer.ts';
import type { ResolvedReference } from '../sources/resolve.ts';
import { withProgress } from './common-options.ts';
import { addImageOptions, type Described, described, type ImageArguments } from './image-arguments.ts';
import type { ProgressLine } from './progress.ts';
import { collect } from './values.ts';
import { closeExports, openExports } from './serve-exports.ts';

/** Names an image that is read: what every command that reads one takes. */
export interface ReadArguments extends ImageArguments {
  /** More layers, on top of the first. */
  readonly layer?: readonly string[];
  readonly delta?: string;
  /** Of a disk. */
  readonly partition?: string;
}

export const imageArgument = [
  '<image>',
  'the file of an image, an image definition (.yaml, .json), or a layer as build takes it, with more layers in --layer',
] as const;

/** Adds the options of commands that read an image. */
export function addReadOptions(command: Command): Command {
  command
    .option('--layer <layer>', 'another layer on top; may be repeated', collect)
    .option('--delta <file>', 'read what serve --delta has kept for the image over it')
    .option(
      '--partition <which>',
      'of a disk the partition with this number, name or filesystem label; default: its root partition, or the only one that is read',
    );
  return addImageOptions(command);
}

/** An image to read. */
export interface Readable {
  readonly image: Image;
  /** An image as it was planned, without the delta over it. */
  readonly planned?: OpenedImage | undefined;
  /** Of an image that is planned from layers. */
  readonly layers: readonly Layer[];
  readonly references: readonly ResolvedReference[];
}

/** What an image is read with. */
export interface Reading {
  readonly progress: ProgressLine;
  readonly warn: (warning: string) => void;
}

/** Opens the image that a command line names, does work with its filesystem, and closes it. */
export async function withFilesystem(
  reference: string,
  options: ReadArguments,
  signal: AbortSignal,
  work: (filesystem: FoundFilesystem['filesystem'], reading: Reading & Readable) => Promise<void>,
): Promise<void> {
  await withImageToRead(reference, options, signal, async ({ warn, ...readable }) => {
    const { filesystem, image, disk } = openFilesystem(readable.image, options.partition);
    for (const warning of disk?.warnings ?? []) warn(warning);
    await work(filesystem, { ...readable, image, warn });
  });
}

/** Opens the image that a command line names, a disk as a whole, does work with it, and closes it. */
export async function withImageToRead(
  reference: string,
  options: ReadArguments,
  signal: AbortSignal,
  work: (reading: Reading & Readable) => Promise<void>,
): Promise<void> {
  await withProgress(options, async (progress) => {
    const references = [reference, ...(options.layer ?? [])];
    const { delta } = options;
    const warn = warner(options, progress);
    await withReadable({ references, delta }, readingOptions(options), signal, progress, async (readable) =>
      work({ ...readable, progress, warn }),
    );
  });
}

/**
 * With what an image is planned to read its files: without hash trees, but that a delta belongs to the whole image; and without the disk
 * around its filesystem, unless that is asked for.
 */
export function readingOptions<T extends ReadArguments>(options: T, isWhole = options.delta !== undefined): T {
  const disk = isWhole || options.partition !== undefined ? options.disk : ('none' as const);
  return { ...options, planOnly: !isWhole, disk };
}

/** The filesystem of what an image is compared with; a partition is meant where it has some. */
export function openCompared(image: Image, partition: string | undefined): FoundFilesystem {
  return openFilesystem(image, readDisk(image) === undefined ? undefined : partition);
}

/** Warnings go to stderr, unless nobody wants them. */
function warner({ quiet }: ImageArguments, progress: ProgressLine): (warning: string) => void {
  return (warning) => {
    if (quiet === true) return;
    progress.clear();
    console.error(`blockloom: warning: ${warning}`);
  };
}

/** Opens the image of references, with a delta over it when one is named, does work with it, and closes it. */
export async function withReadable(
  { references, delta }: { readonly references: readonly LayerInput[]; readonly delta?: string | undefined },
  options: ImageArguments,
  signal: AbortSignal,
  progress: ProgressLine,
  work: (readable: Readable) => Promise<void>,
): Promise<void> {
  const given = await withDefinition(references, options);
  const opened = await openExports([{ name: '', layers: given.layers }], given.options, signal, progress);
  try {
    const { image, layers, references: resolved, planned } = opened[0]!;
    if (delta === undefined) return await work({ image, planned, layers, references: resolved });
    const merged = await openMerged(image, delta, { signal, onProgress: progress.show });
    try {
      await work({ image: merged, layers, references: resolved });
    } finally {
      merged.close();
    }
  } finally {
    closeExports(opened);
  }
}

/** A delta is over what was served: of a disk all of it, or of a guest that `run` started of layers their filesystem alone. */
async function openMerged(image: Image, delta: string, options: PumpOptions): Promise<Image> {
  try {
    return await openMergedImage(image, delta, options);
  } catch (error) {
    const isOther = error instanceof ImageError && error.code === 'delta-mismatch' && readDisk(image) !== undefined;
    if (!isOther) throw error;
    try {
      return await openMergedImage(openFilesystem(image).image, delta, options);
    } catch {
      // What does not fit either is told of the whole image, which was named.
      throw error;
    }
  }
}

/** What names a definition among images: those have no such names, whatever is in them. */
const DEFINITION = /\.(?:ya?ml|json)$/i;

/** A definition's layers and options in place of its path; options of the command line win. */
async function withDefinition(
  references: readonly LayerInput[],
  options: ImageArguments,
): Promise<Described<ImageArguments>> {
  const [first, ...more] = references;
  if (typeof first !== 'string' || !DEFINITION.test(first) || TRANSPORT.test(first))
    return { layers: references, options };
  const definition = await described([], { ...options, file: first });
  return { ...definition, layers: [...definition.layers, ...more] };
}

const TRANSPORT = /^[a-z][a-z0-9-]*:/;

/** A path as it came from the command line, without a leading slash. */
export const pathOf = (text: string): ByteString => byteString(Buffer.from(text)).replace(/^\/+/, '');
