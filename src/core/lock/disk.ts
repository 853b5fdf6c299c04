import type { PartitionTable } from '../disk/disk-plan.ts';
import { type Architecture, ARCHITECTURES, PARTITION_TYPES, type PartitionType } from '../disk/partition-types.ts';
import type { JsonValue } from '../oci/json.ts';
import { type LockedFile, readLockedFile } from './files.ts';
import { type LockedFilesystem, readFlag, readLockedFilesystem } from './options.ts';
import { type LockedReference, readLockedReferences } from './reference.ts';

/** The disk around the filesystem of a lock's references. Sizes are in bytes. */
export interface LockedDisk {
  readonly table: PartitionTable;
  /** Whose root partition the filesystem is; only where one was asked for or follows from the platform. */
  readonly architecture?: Architecture;
  readonly dax?: true;
  /** The EFI system partition, but what makes it boot. */
  readonly esp?: { readonly size?: number; readonly references: readonly LockedReference[] };
  readonly boot?: LockedBoot;
  /** Those behind that of the filesystem. */
  readonly partitions: readonly LockedPartition[];
}

/** What makes a disk boot. */
export interface LockedBoot {
  readonly kernel: LockedBootFile;
  /** Only where there is one. */
  readonly initrd?: LockedBootFile;
  /** systemd-boot, or the stub. */
  readonly efi: LockedBootFile;
  /** What the kernel is called. */
  readonly release: string;
  readonly loader: (typeof LOADERS)[number];
  /** Kernel parameters behind those that name the root filesystem. */
  readonly cmdline?: string;
  /** In seconds. */
  readonly timeout: number;
}

/** A file of the host, or the path of one in the layers, whose digests stand for it. */
export type LockedBootFile = LockedFile | { readonly layers: string };

/** Exactly one of these, and what the table says of it. */
export type LockedPartition = (
  | { readonly swap: number }
  | (LockedFile & { readonly size?: number })
  | { readonly references: readonly LockedReference[]; readonly filesystem: LockedFilesystem }
  | { readonly empty: number }
) & { readonly type?: PartitionType; readonly name?: string };

const PARTITIONS_MAX = 128;
const LOADERS = ['systemd-boot', 'uki'] as const;
const CMDLINE_LENGTH_MAX = 65_536;
const RELEASE = /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,127}$/;
const TYPES = Object.keys(PARTITION_TYPES) as PartitionType[];

/** Throws the error of `json` for what has another form. */
export function readLockedDisk(json: JsonValue): LockedDisk {
  json.allowOnly(['table', 'architecture', 'dax', 'esp', 'boot', 'partitions']);
  const [architecture, esp, boot] = [json.get('architecture'), json.get('esp'), json.get('boot')];
  return {
    table: json.get('table').oneOf(['gpt', 'mbr']),
    ...(architecture.isPresent ? { architecture: architecture.oneOf(ARCHITECTURES) } : {}),
    ...readFlag(json, 'dax'),
    ...(esp.isPresent ? { esp: readEsp(esp) } : {}),
    ...(boot.isPresent ? { boot: readBoot(boot) } : {}),
    partitions: json.get('partitions').elements(PARTITIONS_MAX).map(readPartition),
  };
}

function readEsp(json: JsonValue): NonNullable<LockedDisk['esp']> {
  json.allowOnly(['size', 'references']);
  return { ...readSize(json), references: readLockedReferences(json.get('references')) };
}

function readBoot(json: JsonValue): LockedBoot {
  json.allowOnly(['kernel', 'initrd', 'efi', 'release', 'loader', 'cmdline', 'timeout']);
  const [initrd, cmdline] = [json.get('initrd'), json.get('cmdline')];
  return {
    kernel: readBootFile(json.get('kernel')),
    ...(initrd.isPresent ? { initrd: readBootFile(initrd) } : {}),
    efi: readBootFile(json.get('efi')),
    release: json.get('release').matching(RELEASE, 'a release of Linux'),
    loader: json.get('loader').oneOf(LOADERS),
    ...(cmdline.isPresent ? { cmdline: cmdline.string(CMDLINE_LENGTH_MAX) } : {}),
    timeout: json.get('timeout').size(),
  };
}

function readBootFile(json: JsonValue): LockedBootFile {
  const layers = json.get('layers').optionalString();
  json.allowOnly(layers === undefined ? ['file', 'digest'] : ['layers']);
  return layers === undefined ? readLockedFile(json) : { layers };
}

function readPartition(json: JsonValue): LockedPartition {
  const [type, name] = [json.get('type'), json.get('name').optionalString()];
  return {
    ...readContent(json),
    ...(type.isPresent ? { type: type.oneOf(TYPES) } : {}),
    ...(name === undefined ? {} : { name }),
  };
}

function readContent(json: JsonValue): LockedPartition {
  const allowOnly = (...keys: readonly string[]): void => json.allowOnly([...keys, 'type', 'name']);
  if (json.get('swap').isPresent) {
    allowOnly('swap');
    return { swap: json.get('swap').size() };
  }
  if (json.get('empty').isPresent) {
    allowOnly('empty');
    return { empty: json.get('empty').size() };
  }
  if (json.get('file').isPresent) {
    allowOnly('file', 'digest', 'size');
    return { ...readLockedFile(json), ...readSize(json) };
  }
  allowOnly('references', 'filesystem');
  const filesystem = json.get('filesystem');
  if (filesystem.get('fsverity').isPresent) throw filesystem.invalid('no fsverity but that of the layers', 'fsverity');
  return {
    references: readLockedReferences(json.get('references')),
    filesystem: readLockedFilesystem(filesystem),
  };
}

function readSize(json: JsonValue): { size?: number } {
  const size = json.get('size');
  return size.isPresent ? { size: size.size() } : {};
}
