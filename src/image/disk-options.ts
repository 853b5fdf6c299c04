import type { PartitionTable } from '../core/disk/disk-plan.ts';
import type { Architecture, PartitionType } from '../core/disk/partition-types.ts';
import type { LayerInput } from '../sources/layer-input.ts';
import type { ImageOptions } from './options.ts';

/** A disk around the filesystem of the layers. Sizes are in bytes. */
export interface DiskOptions {
  readonly table: PartitionTable;
  /** With an MBR: whether a guest may map the disk as NVDIMM without a page cache, as Kata Containers do. */
  readonly dax?: boolean | undefined;
  /** Whose root partition a GPT says that the filesystem is; default: that of the platform that was asked for, else x86-64. */
  readonly architecture?: Architecture | undefined;
  /** The EFI system partition, before all others: FAT. */
  readonly esp?:
    | {
        /** Default: as large as needed, FAT32. */
        readonly size?: number | undefined;
        /** Bottom first. */
        readonly layers: readonly LayerInput[];
      }
    | undefined;
  /** What makes it boot under UEFI, which goes into the EFI system partition of a GPT. */
  readonly boot?: BootOptions | undefined;
  /** Behind that of the layers. */
  readonly partitions?: readonly PartitionOptions[] | undefined;
}

/** How a disk boots. */
export interface BootOptions {
  /** The newest of the `layers` (default) or of the `host`, or the path of a file of the host. */
  readonly kernel?: string | undefined;
  /** What the kernel is called; default: what its name or, of a file that is named, its content says. */
  readonly release?: string | undefined;
  /** As the kernel, or `none`; default: where the kernel is from, `none` for a file. */
  readonly initrd?: string | undefined;
  /** Kernel parameters behind those that name the root filesystem. */
  readonly cmdline?: string | undefined;
  /** systemd-boot with an entry (default), or one unified kernel image. */
  readonly loader?: 'systemd-boot' | 'uki' | undefined;
  /** The file of systemd-boot, or of the stub of unified kernel images; default: systemd's, of the layers, else of the host. */
  readonly efi?: string | undefined;
  /** How long systemd-boot shows its menu, in seconds; default: 0, not at all. */
  readonly timeout?: number | undefined;
}

/** What a partition holds, exactly one of these. */
export type PartitionContent =
  /** A swap area of so many bytes. */
  | { readonly swap: number }
  /** The bytes of a file of the host, and zeros up to `size`. */
  | { readonly file: string; readonly size?: number | undefined }
  /** A filesystem of layers. */
  | { readonly layers: readonly LayerInput[]; readonly filesystem?: PartitionFilesystem | undefined }
  /** So many bytes of zeros. */
  | { readonly empty: number };

/** A partition behind that of the layers. */
export type PartitionOptions = PartitionContent & {
  /** Default: what its content tells: swap, basic-data for FAT, linux-generic. */
  readonly type?: PartitionType | undefined;
  /** The name of the partition in a GPT, at most 36 characters; default: its type. */
  readonly name?: string | undefined;
};

/** What decides a filesystem beside that of the layers; the rest is as for that. */
export type PartitionFilesystem = Pick<
  ImageOptions,
  | 'fs'
  | 'fatBits'
  | 'fatCompat'
  | 'label'
  | 'size'
  | 'deviceSize'
  | 'journal'
  | 'free'
  | 'features'
  | 'mountOptions'
  | 'inodes'
  | 'blockSize'
  | 'uuid'
  | 'placement'
>;
