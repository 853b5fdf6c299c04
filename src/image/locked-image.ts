import { FORMAT_VERSION } from '../core/ext4/options.ts';
import { hexOf } from '../core/bytes.ts';
import { ImageError } from '../core/errors.ts';
import type { LayerIdentity } from '../core/layer/identity.ts';
import type { Lock, LockedReference } from '../core/lock.ts';
import { type Inputs, inputDifferences, resultDifferences } from '../core/lock-differences.ts';
import { platformText } from '../core/oci/platform.ts';
import type { MetadataPolicy } from '../core/tree/metadata.ts';
import { identifyLayers } from '../sources/identify.ts';
import { inputOf, type LayerInput, referenceOf } from '../sources/layer-input.ts';
import type { ResolvedReference } from '../sources/resolve.ts';
import { unlockDisk } from './locked-disk.ts';
import { lockOptions, unlockOptions } from './locked-options.ts';
import { type OpenedImage, type OpenImageOptions, planInputs } from './open-image.ts';
import { blobsOf, openInputs, type OpenedFile, type OpenedInputs, type OpenedPartition } from './open-inputs.ts';
import { toFilesystemOptions } from './options.ts';
import { sha256 as newSha256 } from './sha256.ts';

/**
 * The lock of an image that was opened with `options`, perhaps from the definition at a path, and has that SHA-256 (hexadecimal). Layers whose digest is not known, tars in
 * place and directories, are read whole. Throws as reading them does.
 */
export async function lockImage(
  opened: OpenedImage,
  options: Omit<OpenImageOptions, 'layers'>,
  sha256: string,
  definition?: string,
): Promise<Lock> {
  const { metadata } = toFilesystemOptions(options);
  const source = definition === undefined ? {} : { definition };
  return {
    ...source,
    ...(await inputsOf(opened.inputs, options, metadata)),
    result: { ...planned(opened), sha256 },
  };
}

/** How the image of a lock is opened: options and layers that are given stand in the place of the lock's. */
export interface OpenLockedOptions extends Omit<OpenImageOptions, 'layers'> {
  readonly layers?: readonly LayerInput[] | undefined;
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
  const layers = given.layers ?? lock.references.map(lockedInput);
  const formatVersion = options.formatVersion ?? FORMAT_VERSION;
  if (lock.formatVersion !== formatVersion) return { differences: inputDifferences({ ...lock, formatVersion }, lock) };
  const inputs = await openInputs(layers, options.disk, options);
  let opened: OpenedImage | undefined;
  try {
    // By the lock's own policy: another time on the command line is not another layer.
    const found = await inputsOf(inputs, options, toFilesystemOptions(locked).metadata);
    const differences = inputDifferences(found, lock);
    if (differences.length > 0) return { differences };
    const image = await planInputs(inputs, options);
    const others = resultDifferences(planned(image), lock.result);
    if (others.length > 0) return { differences: others };
    opened = image;
    return { opened, options };
  } finally {
    if (opened === undefined) for (const blob of blobsOf(inputs)) blob.close();
  }
}

/** The layers of a lock's definition, which must be read for its inline files, with references pinned where they are the lock's. */
export function pinInputs(inputs: readonly LayerInput[], { references }: Lock): LayerInput[] {
  return inputs.map((input, i) => {
    const { reference, pinned } = references[i] ?? {};
    if (pinned === undefined || referenceOf(input) !== reference) return input;
    return typeof input === 'string' || 'files' in input ? pinned : { ...input, reference: pinned };
  });
}

function lockedInput({ reference, pinned, at, isInline }: LockedReference): LayerInput {
  if (isInline === true) {
    throw new ImageError(
      'option-invalid',
      "the lock has files of a definition, which are the definition's alone: name it",
    );
  }
  return inputOf({ reference: pinned ?? reference, at });
}

function withoutUndefined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** The platform of the images in a lock, so that another host takes the same from an index; undefined when they have several. */
function platformOf({ references }: Lock): string | undefined {
  const platforms = new Set(references.flatMap(({ platform }) => (platform === undefined ? [] : [platform])));
  return platforms.size === 1 ? Array.from(platforms)[0] : undefined;
}

/** Those of the disk stand behind those of its filesystem: of the EFI system partition first, then of each other, its file last. */
async function inputsOf(
  inputs: OpenedInputs,
  options: Omit<OpenImageOptions, 'layers'>,
  metadata: MetadataPolicy,
): Promise<Inputs> {
  const references: LockedReference[] = [];
  for (const group of [inputs, ...(inputs.esp === undefined ? [] : [inputs.esp]), ...inputs.partitions]) {
    const identities = await identifyLayers(group.layers, metadata, options);
    let next = 0;
    for (const reference of group.references) {
      const first = next;
      next += reference.layers.length;
      references.push(lockReference(reference, identities.slice(first, next)));
    }
    const { file } = group as Partial<OpenedPartition>;
    if (file !== undefined) references.push(await lockFile(file));
  }
  return { formatVersion: FORMAT_VERSION, options: lockOptions(options), references };
}

const PIECE_BYTES = 1024 * 1024;

/** The file of a partition, as a layer whose digest is that of the file. */
async function lockFile({ path, blob, size }: OpenedFile): Promise<LockedReference> {
  const hash = newSha256();
  for (let done = 0; done < size; done += PIECE_BYTES) {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, size - done));
    await blob.read(done, piece);
    hash.update(piece);
  }
  return { reference: path, layers: [{ diffId: `sha256:${hexOf(hash.digest())}` }] };
}

/** The disk that is given, else the lock's. */
function diskOf(lock: Lock, given: OpenLockedOptions): OpenImageOptions['disk'] {
  const { disk } = lock.options;
  return 'disk' in given && given.disk !== undefined ? given.disk : disk === undefined ? undefined : unlockDisk(disk);
}

function lockReference(resolved: ResolvedReference, layers: readonly LayerIdentity[]): LockedReference {
  const { at, files, origin } = resolved;
  const reference = {
    reference: resolved.reference,
    ...(at === undefined ? {} : { at }),
    ...(files === undefined ? {} : { isInline: true as const }),
  };
  if (origin === undefined) return { ...reference, layers };
  const { pinned, manifestDigest, platform } = origin;
  return {
    ...reference,
    pinned,
    ...(manifestDigest === undefined ? {} : { manifest: manifestDigest }),
    ...(platform.os === '' ? {} : { platform: platformText(platform) }),
    layers: layers.map((identity, i) => ({ ...blobOf(origin.layers[i]?.digest), ...identity })),
  };
}

function blobOf(digest: string | undefined): { blob?: string } {
  return digest === undefined ? {} : { blob: digest };
}

function planned({ image, filesystem }: OpenedImage): Omit<Lock['result'], 'sha256'> {
  const { treeDigest, id } = filesystem;
  return { tree: treeDigest, ...(id === undefined ? {} : { uuid: id }), size: image.size };
}
