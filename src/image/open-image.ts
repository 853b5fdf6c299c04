import { ImageError } from '../core/errors.ts';
import type { Ext4Options } from '../core/ext4/options.ts';
import type { VerityFiles } from '../core/ext4/verity-files.ts';
import type { FilesystemPlan } from '../core/plan/filesystem-plan.ts';
import { VERITY_BLOCK_SIZE } from '../core/verity/format.ts';
import type { Verity } from '../core/verity/parameters.ts';
import type { Blob, Layer } from '../sources/layer.ts';
import type { LayerInput } from '../sources/layer-input.ts';
import type { ResolvedReference } from '../sources/resolve.ts';
import { identifyLayers } from '../sources/identify.ts';
import type { OpenLayersOptions } from '../sources/open-layers.ts';
import type { DiskPlan } from '../core/disk/disk-plan.ts';
import type { BootFiles, BootLayer } from './boot-layer.ts';
import type { DiskOptions } from './disk-options.ts';
import { blobsOf, openInputs, type OpenedInputs } from './open-inputs.ts';
import { withHashTree } from '../core/verity/plan.ts';
import type { RootParts } from './disk-image.ts';
import type { HashTree } from './hash-tree.ts';
import type { FileDigests } from './file-trees.ts';
import { PlannedImage } from './image.ts';
import { NO_BYTES } from './no-bytes.ts';
import { type FilesystemOptions, type ImageOptions, toFilesystemOptions, toVeritySalt } from './options.ts';
import { planImage } from './plan-image.ts';

/** The layers of an image, how they are opened, and what decides the image's bytes besides them. */
export interface OpenImageOptions extends ImageOptions, OpenLayersOptions {
  /**
   * The layers, bottom first. References: a tar (plain, gzip, zstd, xz), a directory, `dir:PATH`, `oci:DIR[:TAG]`, or `-`; the same
   * below a path; or files that are described here.
   */
  readonly layers: readonly LayerInput[];
  /** The disk that the filesystem of the layers is put into; default: none. */
  readonly disk?: DiskOptions | undefined;
  /** Whether the image's record names the layers by digest, for which tars in place and directories are read whole. */
  readonly embedInputs?: boolean | undefined;
  /** The image is to be looked at, not read: nothing is hashed for hash trees, whose bytes then are not there. */
  readonly planOnly?: boolean | undefined;
}

/** An image that was opened, with what it was made of. */
export interface OpenedImage {
  readonly image: PlannedImage;
  /** The plan of the filesystem that the layers make. */
  readonly filesystem: FilesystemPlan;
  /** Where that begins in the image, in bytes. */
  readonly filesystemStart: number;
  /** The disk that it is in. */
  readonly disk?: DiskPlan | undefined;
  /** What makes that boot. */
  readonly boot?: BootFiles | undefined;
  /** What the other partitions of the disk are made of. */
  readonly inputs: OpenedInputs;
  /** Bottom first. */
  readonly layers: readonly Layer[];
  /** What the references turned out to be, in their order. */
  readonly references: readonly ResolvedReference[];
  /** Its files with fs-verity, where it has some and their trees were made. */
  readonly fileDigests?: FileDigests | undefined;
  /** Its hash tree, where it has one that was made. */
  readonly verity?: Verity | undefined;
}

/**
 * Opens layers and plans their image; no file's content is read but to decompress layers, and for a hash tree. Close the image when done.
 * Throws ImageError.
 */
export async function openLayeredImage(options: OpenImageOptions): Promise<OpenedImage> {
  // Refused before layers are decompressed, which may take long.
  checkRecord(options, toFilesystemOptions(options));
  toVeritySalt(options);
  return planInputs(await openInputs(options.layers, options.disk, options), options);
}

/** Plans the image of what is open, and closes that when it fails. Throws ImageError. */
export async function planInputs(
  inputs: OpenedInputs,
  options: Omit<OpenImageOptions, 'layers'>,
): Promise<OpenedImage> {
  const { layers, references } = inputs;
  /** What is to be closed, beside the inputs. */
  const made: Blob[] = [];
  try {
    const { plan, fileDigests } = await planRoot(layers, options, made);
    const blobs = [...layers.map(({ blob }) => blob), ...made];
    const opened = { filesystem: plan, filesystemStart: 0, inputs, layers, references, fileDigests };
    const image = new PlannedImage(plan, blobs);
    const tree = await treeOf(image, layers, options);
    if (tree !== undefined) made.push(tree.blob);
    if (options.disk !== undefined) {
      const { planDiskImage } = await import('./disk-image.ts');
      const boot = await bootOf({ plan, blobs, tree }, image, options.disk, options);
      if (boot !== undefined) made.push(boot.layer.blob);
      const root = { plan, blobs, tree, boot: boot?.layer };
      return { ...opened, boot: boot?.files, ...(await planDiskImage(root, inputs, options.disk, options)) };
    }
    if (tree === undefined) return { ...opened, image };
    const whole = new PlannedImage(withHashTree(plan, tree.plan, blobs.length), [...blobs, tree.blob]);
    return { ...opened, image: whole, verity: tree.verity };
  } catch (error) {
    for (const blob of [...blobsOf(inputs), ...made]) blob.close();
    throw error;
  }
}

/** Plans the filesystem of the layers; what it reads from besides them is added to `made`. */
async function planRoot(
  layers: readonly Layer[],
  options: Omit<OpenImageOptions, 'layers'>,
  made: Blob[],
): Promise<{ plan: FilesystemPlan; fileDigests?: FileDigests | undefined }> {
  const planOptions = toFilesystemOptions(options);
  const inputs = options.embedInputs === true ? await identifyLayers(layers, planOptions.metadata, options) : undefined;
  const { plan } = await planImage(layers, isExt(planOptions) ? { ...planOptions, inputs } : planOptions, options);
  const { verityFiles } = plan;
  if (verityFiles === undefined || verityFiles.count === 0) return { plan };
  const { blob, fileDigests } = await fileTrees(verityFiles, layers, options);
  made.push(blob);
  return { plan, fileDigests };
}

/** What makes a disk boot, read from its root filesystem. */
async function bootOf(
  root: RootParts,
  image: PlannedImage,
  disk: DiskOptions,
  { fs = 'ext4', platform }: Omit<OpenImageOptions, 'layers'>,
): Promise<BootLayer | undefined> {
  if (disk.boot === undefined) return undefined;
  if (disk.table !== 'gpt') throw new ImageError('option-invalid', 'boot on a disk with an MBR: UEFI needs a GPT');
  const [{ makeBootLayer }, { treeOfImage }, { architectureOf, rootParameters }] = await Promise.all([
    import('./boot-layer.ts'),
    import('./boot-tree.ts'),
    import('./disk-image.ts'),
  ]);
  return makeBootLayer(treeOfImage(image, fs), disk.boot, architectureOf(disk, platform), rootParameters(root));
}

async function treeOf(
  image: PlannedImage,
  layers: readonly Layer[],
  options: Omit<OpenImageOptions, 'layers'>,
): Promise<HashTree | undefined> {
  const salt = toVeritySalt(options);
  if (salt === undefined) return undefined;
  if (image.size % VERITY_BLOCK_SIZE !== 0) {
    const what = `a hash tree behind ${image.size} bytes: dm-verity needs a multiple of ${VERITY_BLOCK_SIZE}`;
    throw new ImageError('option-invalid', what);
  }
  const { makeHashTree } = await import('./hash-tree.ts');
  return makeHashTree(image, layers, salt, options);
}

const isExt = (options: FilesystemOptions): options is Ext4Options => options.fs === 'ext4' || options.fs === 'ext2';

function checkRecord({ embedInputs }: Omit<OpenImageOptions, 'layers'>, options: FilesystemOptions): void {
  if (embedInputs !== true || isExt(options)) return;
  const { fs } = options;
  throw new ImageError('option-invalid', `layers named by digest in ${fs}, which has no place for a record`);
}

async function fileTrees(
  verityFiles: VerityFiles,
  layers: readonly Layer[],
  options: Omit<OpenImageOptions, 'layers'>,
): Promise<{ blob: Blob; fileDigests?: FileDigests }> {
  if (options.planOnly === true) return { blob: NO_BYTES };
  const { makeFileTrees } = await import('./file-trees.ts');
  return makeFileTrees(verityFiles, layers, options);
}

/** The same, for who needs the image alone. */
export async function openImage(options: OpenImageOptions): Promise<PlannedImage> {
  return (await openLayeredImage(options)).image;
}
