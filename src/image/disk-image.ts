import { hexOf } from '../core/bytes.ts';
import { planBlob } from '../core/disk/blob-plan.ts';
import { type DiskPlan, type Partition, planDisk } from '../core/disk/disk-plan.ts';
import { uuidOf, verityPartitionUuids } from '../core/disk/guids.ts';
import type { Architecture, PartitionType } from '../core/disk/partition-types.ts';
import { planSwap } from '../core/disk/swap.ts';
import { ImageError } from '../core/errors.ts';
import { formatUuid } from '../core/ext4/uuid.ts';
import { HASH_SIZE } from '../core/verity/format.ts';
import type { FilesystemPlan } from '../core/plan/filesystem-plan.ts';
import { RegionsBuilder } from '../core/plan/regions.ts';
import type { Plan } from '../core/plan/plan.ts';
import { roundUp } from '../core/struct.ts';
import type { Verity } from '../core/verity/parameters.ts';
import type { Blob, Layer } from '../sources/layer.ts';
import type { DiskOptions } from './disk-options.ts';
import type { HashTree } from './hash-tree.ts';
import { PlannedImage } from './image.ts';
import type { OpenImageOptions } from './open-image.ts';
import { type OpenedInputs, type OpenedPartition, partitionBlobs } from './open-inputs.ts';
import { type ImageOptions, toFilesystemOptions } from './options.ts';
import { planImage } from './plan-image.ts';
import { sha256 } from './sha256.ts';

/** The image of a disk, and where in it the filesystem of the layers begins, in bytes. */
export interface DiskImage {
  readonly image: PlannedImage;
  readonly disk: DiskPlan;
  readonly filesystemStart: number;
  readonly verity?: Verity | undefined;
}

/** The filesystem of the layers, and the hash tree that it may have. */
export interface RootParts {
  readonly plan: FilesystemPlan;
  /** What the plan reads from. */
  readonly blobs: readonly Blob[];
  readonly tree?: HashTree | undefined;
  /** What makes the disk boot, on top of what is in the EFI system partition. */
  readonly boot?: Layer | undefined;
}

type Options = Omit<OpenImageOptions, 'layers'>;

/** The least size that holds a FAT32, in bytes, and some room. */
const FAT32_BYTES_MIN = 34 * 1024 * 1024;

/** Puts the filesystem of the layers into a disk, with the other partitions around it. Throws ImageError. */
export async function planDiskImage(
  root: RootParts,
  inputs: OpenedInputs,
  disk: DiskOptions,
  options: Options,
): Promise<DiskImage> {
  const blobs: Blob[] = [...root.blobs];
  const partitions: Partition[] = [];
  const add = (partition: Omit<Partition, 'firstBlob'>, own: readonly Blob[]): number => {
    blobs.push(...own);
    return partitions.push({ ...partition, firstBlob: blobs.length - own.length }) - 1;
  };
  const esp = [...(inputs.esp?.layers ?? []), ...(root.boot === undefined ? [] : [root.boot])];
  if (inputs.esp !== undefined || root.boot !== undefined) {
    add(
      await espPartition(esp, disk, options),
      esp.map(({ blob }) => blob),
    );
  }
  const rootIndex = partitions.push({ ...rootPartition(root, disk, options), firstBlob: 0 }) - 1;
  const { tree } = root;
  const treeIndex = tree === undefined ? -1 : add(treePartition(tree, disk, options), [tree.blob]);
  for (const [i, partition] of inputs.partitions.entries())
    add(await otherPartition(partition, i, options), partitionBlobs(partition));
  const plan = planDisk(partitions, { table: disk.table, dax: disk.dax ?? false }, sha256);
  const [data, hashes] = [plan.partitions[rootIndex]!, plan.partitions[treeIndex]];
  const verity =
    tree?.verity === undefined || hashes === undefined
      ? undefined
      : {
          ...tree.verity,
          hashOffset: hashes.start,
          partitions: { data: data.partuuid, hashes: hashes.partuuid },
        };
  return { image: new PlannedImage(plan, blobs), disk: plan, filesystemStart: data.start, verity };
}

/** The processor whose root partition the filesystem is. Throws `option-invalid` for a platform that has no such partition. */
export function architectureOf(disk: DiskOptions, platform: string | undefined): Architecture {
  const architecture = knownArchitecture(disk, platform);
  if (architecture !== undefined) return architecture;
  throw new ImageError(
    'option-invalid',
    `a disk for ${platform}: the architecture of its root partition is to be named`,
  );
}

/** The same; undefined for such a platform. */
export function knownArchitecture(disk: DiskOptions, platform = 'linux/amd64'): Architecture | undefined {
  if (disk.architecture !== undefined) return disk.architecture;
  return ARCHITECTURE_OF[platform.split('/')[1] ?? 'amd64'];
}

const ARCHITECTURE_OF: Readonly<Record<string, Architecture>> = { amd64: 'x86-64', arm64: 'arm64' };

function rootPartition(
  { plan, tree }: RootParts,
  disk: DiskOptions,
  { fs, platform }: Options,
): Omit<Partition, 'firstBlob'> {
  const types: Partial<Record<string, PartitionType>> = { vfat: 'basic-data', tar: 'linux-generic' };
  return {
    plan,
    type: types[fs ?? 'ext4'] ?? `root-${architectureOf(disk, platform)}`,
    name: 'root',
    identity: plan.id ?? plan.treeDigest,
    uuid: rootUuid({ plan, tree }),
    isReadOnly: tree !== undefined,
  };
}

/** The UUID of the partition of the layers' filesystem, which is told before the others are known: what boots it is in one of them. */
function rootUuid({ plan, tree }: Pick<RootParts, 'plan' | 'tree'>): Uint8Array {
  if (tree?.verity !== undefined) return verityPartitionUuids(tree.verity.rootHash).data;
  return uuidOf(`blockloom root partition 1\n${plan.id ?? plan.treeDigest}\n`, sha256());
}

/** The kernel parameters that name the root filesystem of a GPT disk; of one that is only planned, as long as they will be. */
export function rootParameters(root: Pick<RootParts, 'plan' | 'tree'>): string {
  const { tree } = root;
  if (tree === undefined) return `root=PARTUUID=${formatUuid(rootUuid(root))} ro`;
  const rootHash = tree.verity?.rootHash ?? new Uint8Array(HASH_SIZE);
  const { data, tree: hashes } = verityPartitionUuids(rootHash);
  const devices = `systemd.verity_root_data=PARTUUID=${formatUuid(data)} systemd.verity_root_hash=PARTUUID=${formatUuid(hashes)}`;
  return `roothash=${hexOf(rootHash)} ${devices} root=/dev/mapper/root ro`;
}

function treePartition(
  { plan, verity }: HashTree,
  disk: DiskOptions,
  { platform }: Options,
): Omit<Partition, 'firstBlob'> {
  return {
    plan,
    type: `root-${architectureOf(disk, platform)}-verity`,
    name: 'root-verity',
    identity: verity === undefined ? '' : hexOf(verity.rootHash),
    uuid: verity === undefined ? undefined : verityPartitionUuids(verity.rootHash).tree,
    isReadOnly: true,
  };
}

async function espPartition(
  layers: readonly Layer[],
  { esp }: DiskOptions,
  options: Options,
): Promise<Omit<Partition, 'firstBlob'>> {
  const size = esp?.size;
  const fatBits = size !== undefined && size < FAT32_BYTES_MIN ? undefined : 32;
  const plan = await planOther(layers, { fs: 'vfat', fatBits, size, label: 'ESP' }, options);
  return { plan, type: 'esp', name: 'esp', identity: plan.id ?? plan.treeDigest };
}

async function otherPartition(
  { layers, options: given, file }: OpenedPartition,
  i: number,
  options: Options,
): Promise<Omit<Partition, 'firstBlob'>> {
  const { type, name } = given;
  const made = (plan: Plan, usual: PartitionType, identity = ''): Omit<Partition, 'firstBlob'> => ({
    plan,
    type: type ?? usual,
    name: name ?? type ?? usual,
    identity,
  });
  if ('swap' in given) {
    const label = name ?? 'swap';
    return made(planSwap(given.swap, uuidOf(`blockloom swap 1\n${i} ${given.swap} ${label}\n`, sha256())), 'swap');
  }
  if ('empty' in given) return made(zerosPlan(given.empty), 'linux-generic');
  if (file !== undefined)
    return made(filePlan(file.size, file.path, 'size' in given ? given.size : undefined), 'linux-generic');
  const filesystem = 'filesystem' in given ? (given.filesystem ?? {}) : {};
  const plan = await planOther(layers, filesystem, options);
  return made(plan, filesystem.fs === 'vfat' ? 'basic-data' : 'linux-generic', plan.id ?? plan.treeDigest);
}

function zerosPlan(size: number): Plan {
  const builder = new RegionsBuilder();
  builder.zeroTo(size);
  return { size, regions: builder.finish(), bytes: [], label: () => 'empty' };
}

function filePlan(length: number, path: string, size = roundUp(length, 512)): Plan {
  if (size >= length) return planBlob(length, 'file', size);
  throw new ImageError('option-invalid', `a partition of ${size} bytes for ${path}, which has ${length}`);
}

/** Plans a filesystem beside that of the layers. */
async function planOther(layers: readonly Layer[], own: ImageOptions, options: Options): Promise<FilesystemPlan> {
  const { onWarning, onProgress } = options;
  return (await planImage(layers, toFilesystemOptions(besideRoot(own, options)), { onWarning, onProgress })).plan;
}

/** All that decides such a filesystem: times and owners are as in that of the layers. */
export function besideRoot(own: ImageOptions, options: ImageOptions): ImageOptions {
  const { mtime, sourceDateEpoch, symlinkedParents, owner, chmodMask } = options;
  const owners = own.fs === 'vfat' ? {} : { owner, chmodMask };
  return { mtime, sourceDateEpoch, symlinkedParents, ...owners, ...own };
}
