import type { LockedDisk, LockedPartition } from '../core/lock/disk.ts';
import type { MetadataPolicy } from '../core/tree/metadata.ts';
import { besideRoot, knownArchitecture } from './disk-image.ts';
import type { DiskOptions, PartitionContent, PartitionFilesystem, PartitionOptions } from './disk-options.ts';
import { unlockBoot } from './locked-boot.ts';
import { lockFile } from './locked-files.ts';
import { lockFilesystem, unlockOptions } from './locked-options.ts';
import { lockReferences, unlockReference } from './locked-references.ts';
import type { OpenImageOptions } from './open-image.ts';
import type { OpenedInputs, OpenedPartition } from './open-inputs.ts';

type Options = Omit<OpenImageOptions, 'layers'>;

/** A disk and what its partitions are made of, but what makes it boot. Throws as reading that does. */
export async function lockDisk(
  disk: DiskOptions,
  { esp, partitions }: OpenedInputs,
  metadata: MetadataPolicy,
  options: Options,
): Promise<LockedDisk> {
  const architecture = knownArchitecture(disk, options.platform);
  const size = disk.esp?.size;
  const locked: LockedPartition[] = [];
  const references = esp === undefined ? [] : await lockReferences(esp, metadata, options);
  for (const partition of partitions) locked.push(await lockPartition(partition, metadata, options));
  return {
    table: disk.table,
    ...(architecture === undefined ? {} : { architecture }),
    ...(disk.dax === true ? { dax: true } : {}),
    ...(esp === undefined ? {} : { esp: { ...(size === undefined ? {} : { size }), references } }),
    partitions: locked,
  };
}

async function lockPartition(
  partition: OpenedPartition,
  metadata: MetadataPolicy,
  options: Options,
): Promise<LockedPartition> {
  const { type, name } = partition.options;
  return {
    ...(await lockContent(partition, metadata, options)),
    ...(type === undefined ? {} : { type }),
    ...(name === undefined ? {} : { name }),
  };
}

async function lockContent(
  partition: OpenedPartition,
  metadata: MetadataPolicy,
  options: Options,
): Promise<LockedPartition> {
  const { file, options: given } = partition;
  if ('swap' in given) return { swap: given.swap };
  if ('empty' in given) return { empty: given.empty };
  if (file === undefined) {
    const filesystem = 'filesystem' in given ? (given.filesystem ?? {}) : {};
    return {
      references: await lockReferences(partition, metadata, options),
      filesystem: lockFilesystem(besideRoot(filesystem, options)),
    };
  }
  const size = 'size' in given ? given.size : undefined;
  const locked = await lockFile(file.path, file.size, async (at, target) => file.blob.read(at, target));
  return { ...locked, ...(size === undefined ? {} : { size }) };
}

/** The disk that a lock describes, with references pinned. Throws `lock-invalid` for what no disk can have. */
export function unlockDisk({ table, architecture, dax, esp, boot, partitions }: LockedDisk): DiskOptions {
  return {
    table,
    architecture,
    dax,
    esp: esp && { size: esp.size, layers: esp.references.map(unlockReference) },
    boot: boot && unlockBoot(boot),
    partitions: partitions.map(unlockPartition),
  };
}

function unlockPartition(partition: LockedPartition): PartitionOptions {
  const { type, name } = partition;
  return { ...unlockContent(partition), type, name };
}

function unlockContent(partition: LockedPartition): PartitionContent {
  if ('swap' in partition) return { swap: partition.swap };
  if ('empty' in partition) return { empty: partition.empty };
  if ('file' in partition) return { file: partition.file, size: partition.size };
  const { references, filesystem } = partition;
  return { layers: references.map(unlockReference), filesystem: ownOptions(unlockOptions(filesystem)) };
}

/** What is not as in the filesystem of the layers. */
function ownOptions(options: Options): PartitionFilesystem {
  const { mtime: _m, sourceDateEpoch: _e, symlinkedParents: _s, owner: _o, chmodMask: _c, ...own } = options;
  return own;
}
