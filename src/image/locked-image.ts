import { FORMAT_VERSION } from '../core/ext4/options.ts';
import { bootDifferences, inputDifferences, type Inputs, resultDifferences } from '../core/lock/differences.ts';
import type { LockedBoot, LockedDisk } from '../core/lock/disk.ts';
import type { Lock } from '../core/lock/lock.ts';
import type { LockedReference } from '../core/lock/reference.ts';
import type { MetadataPolicy } from '../core/tree/metadata.ts';
import type { LayerInput } from '../sources/layer-input.ts';
import type { DiskOptions } from './disk-options.ts';
import { lockBoot } from './locked-boot.ts';
import { lockDisk, unlockDisk } from './locked-disk.ts';
import { lockOptions, unlockOptions } from './locked-options.ts';
import { lockReferences, unlockReference } from './locked-references.ts';
import { type OpenedImage, type OpenImageOptions, planInputs } from './open-image.ts';
import { blobsOf, openInputs, type OpenedInputs } from './open-inputs.ts';
import { toFilesystemOptions } from './options.ts';

/**
 * The lock of an image that was opened with `options` and has that SHA-256 (hexadecimal). Layers whose digest is not known, tars in place and
 * directories, are read whole, as are files of the host that are partitions or make a disk boot. Throws as reading them does.
 */
export async function lockImage(
  opened: OpenedImage,
  options: Omit<OpenImageOptions, 'layers'>,
  sha256: string,
): Promise<Lock> {
  const { metadata } = toFilesystemOptions(options);
  const { disk, ...inputs } = await inputsOf(opened.inputs, options, metadata);
  return {
    ...inputs,
    ...(disk === undefined ? {} : { disk: withBoot(disk, await bootOf(opened, options)) }),
    result: { ...planned(opened), sha256 },
  };
}

function withBoot({ partitions, ...disk }: LockedDisk, boot: LockedBoot | undefined): LockedDisk {
  return { ...disk, ...(boot === undefined ? {} : { boot }), partitions };
}

/** How the image of a lock is opened: options and layers that are given stand in the place of the lock's. */
export interface OpenLockedOptions extends Omit<OpenImageOptions, 'layers' | 'disk'> {
  readonly layers?: readonly LayerInput[] | undefined;
  readonly disk?: DiskOptions | 'none' | undefined;
}

/** The image of a lock, or a line for each way in which there is another now; then nothing is open. */
export type LockedImage =
  | { readonly opened: OpenedImage; readonly options: Omit<OpenImageOptions, 'layers'> }
  | { readonly differences: readonly string[] };

/**
 * Opens the image of a lock, from its pinned references unless layers are given, and compares everything but the bytes. Throws
 * `lock-invalid`, or as opening layers does.
 */
export async function openLockedImage(lock: Lock, given: OpenLockedOptions = {}): Promise<LockedImage> {
  const locked = unlockOptions(lock.options);
  const options = { ...locked, platform: platformOf(lock), ...withoutUndefined(given), disk: diskOf(lock, given) };
  const formatVersion = options.formatVersion ?? FORMAT_VERSION;
  if (lock.formatVersion !== formatVersion) return { differences: inputDifferences({ ...lock, formatVersion }, lock) };
  const inputs = await openInputs(given.layers ?? layersOf(lock), options.disk, options);
  // By the lock's own policy: another time on the command line is not another layer.
  const differences = await differencesOf(inputs, options, toFilesystemOptions(locked).metadata, lock);
  if (differences.length > 0) return { differences };
  const opened = await planInputs(inputs, options);
  try {
    const others = [
      ...bootDifferences(await bootOf(opened, options), lock.disk?.boot),
      ...resultDifferences(planned(opened), lock.result),
    ];
    if (others.length === 0) return { opened, options };
    opened.image.close();
    return { differences: others };
  } catch (error) {
    opened.image.close();
    throw error;
  }
}

/** What inputs have that a lock has not; they are closed where that is something. */
async function differencesOf(
  inputs: OpenedInputs,
  options: Omit<OpenImageOptions, 'layers'>,
  metadata: MetadataPolicy,
  lock: Lock,
): Promise<readonly string[]> {
  let isSame = false;
  try {
    const differences = inputDifferences(await inputsOf(inputs, options, metadata), lock);
    isSame = differences.length === 0;
    return differences;
  } finally {
    if (!isSame) for (const blob of blobsOf(inputs)) blob.close();
  }
}

/** What the image of a lock is made from where nothing else is given, with references pinned. Throws `lock-invalid`. */
export function unlockInputs(lock: Lock): { layers: readonly LayerInput[]; disk: DiskOptions | undefined } {
  return { layers: layersOf(lock), disk: diskOf(lock, {}) };
}

const layersOf = ({ references }: Lock): LayerInput[] => references.map(unlockReference);

/** The disk that is given, else the lock's. */
function diskOf({ disk }: Lock, given: OpenLockedOptions): DiskOptions | undefined {
  if (given.disk !== undefined) return given.disk === 'none' ? undefined : given.disk;
  return disk && unlockDisk(disk);
}

function withoutUndefined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** The platform of the images in a lock, so that another host takes the same from an index; undefined when they have several. */
function platformOf({ references, disk }: Lock): string | undefined {
  const all: readonly LockedReference[] = [
    ...references,
    ...(disk?.esp?.references ?? []),
    ...(disk?.partitions ?? []).flatMap((partition) => ('references' in partition ? partition.references : [])),
  ];
  const platforms = new Set(all.flatMap(({ platform }) => (platform === undefined ? [] : [platform])));
  return platforms.size === 1 ? Array.from(platforms)[0] : undefined;
}

async function inputsOf(
  inputs: OpenedInputs,
  options: Omit<OpenImageOptions, 'layers'>,
  metadata: MetadataPolicy,
): Promise<Inputs> {
  return {
    formatVersion: FORMAT_VERSION,
    options: lockOptions(options),
    references: await lockReferences(inputs, metadata, options),
    ...(options.disk === undefined ? {} : { disk: await lockDisk(options.disk, inputs, metadata, options) }),
  };
}

async function bootOf(
  { boot }: OpenedImage,
  { disk }: Omit<OpenImageOptions, 'layers'>,
): Promise<LockedBoot | undefined> {
  return boot === undefined || disk?.boot === undefined ? undefined : lockBoot(boot, disk.boot);
}

function planned({ image, filesystem }: OpenedImage): Omit<Lock['result'], 'sha256'> {
  const { treeDigest, id } = filesystem;
  return { tree: treeDigest, ...(id === undefined ? {} : { uuid: id }), size: image.size };
}
