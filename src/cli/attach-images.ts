import { resolve } from 'node:path';
import { choosePartition } from '../core/disk/choose-partition.ts';
import { ImageError } from '../core/errors.ts';
import type { RootPlace } from '../core/launch/launch.ts';
import { isImageFile, openImageFile } from '../image/file-image.ts';
import { readDisk } from '../image/open-filesystem.ts';
import { toVeritySalt } from '../image/options.ts';
import { type LayerInput, referenceOf } from '../sources/layer-input.ts';
import { type ImageArguments, withImage } from './image-arguments.ts';
import { type ExportArguments, exportsOf } from './serve-exports.ts';

const NAME = /^[\w-]{1,20}$/;

/** The images to attach, in order. */
interface Images {
  readonly images: readonly ExportArguments[];
  /** Whether the command line names them itself. */
  readonly isNamed: boolean;
}

/** Those of references, or of a definition's layers, with the names of their disks. Throws `option-invalid`. */
export function imagesOf(
  references: readonly string[] | undefined,
  layers: readonly LayerInput[],
  name: string | undefined,
): Images {
  const exports = references === undefined ? [{ name: '', layers }] : exportsOf(references, undefined);
  const isNamed = exports.some((each) => each.name !== '');
  if (isNamed && name !== undefined)
    throw new ImageError('option-invalid', '--name names one disk, and NAME=REFERENCE names others');
  const images = exports.map((each) => (each.name === '' ? { ...each, name: name ?? 'disk' } : each));
  const bad = images.find((each) => !NAME.test(each.name));
  if (bad === undefined) return { images, isNamed };
  throw new ImageError('option-invalid', `${bad.name}: a disk's name is 1 to 20 of A-Z a-z 0-9 _ -`);
}

/** The file that is an image already, of one that is made of nothing else. */
export function imageFileOf([first, ...more]: readonly LayerInput[]): string | undefined {
  return typeof first === 'string' && more.length === 0 && isImageFile(first) ? resolve(first) : undefined;
}

interface RootArguments extends ImageArguments {
  readonly kernel?: string;
  readonly append?: string;
  readonly exec?: boolean;
}

/** Standard input can be read once, which is when all starts. Throws `option-invalid` where it would be read before. */
export function refuseTwiceRead(
  images: readonly ExportArguments[],
  definition: string | undefined,
  options: RootArguments,
): void {
  const isStream = images.some(({ layers }) => layers.some((layer) => referenceOf(layer) === '-'));
  if (options.exec !== true && (isStream || definition === '-'))
    throw new ImageError('option-invalid', 'standard input is for --exec: what is printed would read it again');
  if (isStream && needsHashes(options))
    throw new ImageError('option-invalid', 'a root hash of standard input, which is read once: --append is missing');
}

/** Whether the kernel's command line is to say what only the hashes of the image tell. */
function needsHashes(options: RootArguments): boolean {
  return isToldItsRoot(options) && toVeritySalt(options) !== undefined;
}

/** Whether a kernel is to be told where its root filesystem is. */
const isToldItsRoot = ({ kernel, append }: RootArguments): boolean => kernel !== undefined && append === undefined;

/** Where the root filesystem is on the first disk, as far as its options or its file tell; its hash tree is made for it. Throws ImageError. */
export async function rootOf(
  [image]: readonly ExportArguments[],
  options: RootArguments,
  signal: AbortSignal,
): Promise<RootPlace> {
  const { layers = [] } = image ?? {};
  const file = imageFileOf(layers);
  if (file !== undefined) return isToldItsRoot(options) ? { partition: partitionOfFile(file) } : {};
  if (!needsHashes(options)) return { partition: partitionOf(options.disk) };
  let root: RootPlace = {};
  await withImage(layers, options, signal, ({ verity }) => {
    root = { verity };
  });
  return root;
}

/** The EFI system partition comes first, where there is one. */
function partitionOf(disk: ImageArguments['disk']): number | undefined {
  if (disk === undefined || disk === 'none') return undefined;
  return typeof disk === 'object' && (disk.esp !== undefined || disk.boot !== undefined) ? 2 : 1;
}

/** That of the root filesystem of a disk; undefined where the file has no partition table. */
function partitionOfFile(path: string): number | undefined {
  const image = openImageFile(path);
  try {
    const disk = readDisk(image);
    return disk === undefined ? undefined : choosePartition(disk.partitions, undefined).partition.number;
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new ImageError(error.code, `${path}: ${error.message}; --append tells the kernel where its root is`);
  } finally {
    image.close();
  }
}
