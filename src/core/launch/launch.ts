import { ImageError } from '../errors.ts';
import type { Solo5Notes } from '../manifest/solo5-notes.ts';
import { type Verity, verityParameters } from '../verity/parameters.ts';
import type { Attachment, Disk, GuestDisk } from './disk.ts';
import type { QemuArchitecture } from './qemu.ts';

/** What a VMM is to run. */
export interface LaunchOptions {
  /** At least one, in the order in which the guest finds them; the first has the root filesystem. */
  readonly disks: readonly GuestDisk[];
  readonly readOnly: boolean;
  /** Where that is on its disk; default: it is the disk. */
  readonly root?: RootPlace | undefined;
  /** What the VMM is told besides, in words of its own. */
  readonly vmmWords?: readonly string[] | undefined;
  /** Without one the VMM's firmware boots the disk, where it has some. */
  readonly kernel?: string | undefined;
  readonly initrd?: string | undefined;
  /** The kernel's command line; without one it names the disk as root filesystem, and the console. */
  readonly append?: string | undefined;
  /** What the kernel of an emulated microvm is told of its clock besides. */
  readonly clockParameters?: readonly string[] | undefined;
  /** In bytes. */
  readonly memory: number;
  readonly cpus: number;
  /** Of the guest. */
  readonly architecture: QemuArchitecture;
  /** How QEMU runs its processors. */
  readonly accelerator: 'kvm' | 'tcg';
  /** An absolute path to a folder for files of the launch. */
  readonly folder: string;
  /** What the notes of the kernel say, where it is a Solo5 unikernel. */
  readonly unikernel?: Solo5Notes | undefined;
  /** Files for those of its block devices that do not get the image. */
  readonly blocks?: readonly BlockFile[] | undefined;
  /** The sizes of their sectors by name, in bytes, where they are not 512. */
  readonly sectorSizes?: ReadonlyMap<string, number> | undefined;
  /** What configures the guest or its VMM, for those that have it in a file. */
  readonly configuration?: GuestConfiguration | undefined;
}

/** Where a root filesystem is on its disk. */
export interface RootPlace {
  /** The number of its partition, from 1. */
  readonly partition?: number | undefined;
  /** Its hash tree, which its kernel is to compare it with. */
  readonly verity?: Verity | undefined;
}

/** A file for a block device that a unikernel names. */
export interface BlockFile {
  readonly name: string;
  readonly path: string;
  /** In bytes. */
  readonly size: number;
}

/** A file that configures a guest, and its name in errors. */
export interface GuestConfiguration {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A file that has to be there before a VMM starts. */
export interface LaunchFile {
  readonly path: string;
  readonly text: string;
}

/** What starts a VMM. */
export interface Launch {
  readonly argv: readonly string[];
  readonly files: readonly LaunchFile[];
}

/** What is known of a launch: a test here runs it, or compares it with what the VMM's documentation says. */
export type LaunchStatus = 'executed' | 'grammar';

/** A virtual machine monitor. */
export interface Vmm {
  /** What `--vmm` calls it. */
  readonly name: string;
  /** What it takes, best first. */
  readonly attachments: readonly (readonly [as: Attachment, status: LaunchStatus])[];
  /** Whether it boots nothing but a kernel that it is given. */
  readonly needsKernel: boolean;
  /** Whether it always writes to its disk, or opens it so. */
  readonly needsWritable: boolean;
  /** Throws `option-invalid` for what the VMM cannot express. */
  readonly launch: (options: LaunchOptions) => Launch;
}

/** A launch that is a command and nothing else: its words, each option with its value. */
export function command(...words: readonly (readonly string[])[]): Launch {
  return { argv: words.flat(), files: [] };
}

const MEBIBYTE = 1 << 20;

/** Memory in mebibytes, rounded up. */
export function mebibytes({ memory }: LaunchOptions): number {
  return Math.ceil(memory / MEBIBYTE);
}

/** The kernel's command line: the one that is given, or the root filesystem behind what the VMM wants in it. */
export function kernelParameters(options: LaunchOptions, ...wanted: readonly string[]): string {
  const { append = [...wanted, rootParameters(options, '/dev/vda')].join(' '), clockParameters = [] } = options;
  return [append, ...clockParameters].join(' ');
}

/** What tells a kernel where its root filesystem is, whose first disk is `device`: itself for one without an initrd, else that. */
export function rootParameters({ root = {}, initrd, readOnly }: LaunchOptions, device: string): string {
  if (root.verity === undefined) return `root=${device}${root.partition ?? ''} ${readOnly ? 'ro' : 'rw'}`;
  const { dmInit, systemd } = verityParameters(root.verity, device);
  return initrd === undefined ? dmInit : systemd;
}

/** The one disk of a VMM that takes one. Throws `option-invalid` where there are more. */
export function soleDisk({ disks }: LaunchOptions, vmm: string): GuestDisk {
  const [first, ...more] = disks;
  if (first !== undefined && more.length === 0) return first;
  throw new ImageError('option-invalid', `${vmm} takes one image at a time, not ${disks.length}`);
}

/** The path of a disk that has one. Throws `option-invalid` for another. */
export function pathOf(disk: Disk, vmm: string): string {
  if ('path' in disk) return disk.path;
  throw new ImageError('option-invalid', `${vmm} takes a disk by its path, not as ${disk.as}`);
}

/** Throws `option-invalid` where a guest reads another filesystem than a disk's. */
export function checkFilesystems({ disks }: LaunchOptions, guest: string, wanted: string): void {
  const other = disks.find(({ filesystem = wanted }) => filesystem !== wanted)?.filesystem;
  if (other === undefined) return;
  throw new ImageError('option-invalid', `${guest} reads ${wanted}, not ${other}: --fs ${wanted} is missing`);
}

/** A value between commas, which VMMs without an escape cannot have in it. Throws `option-invalid`. */
export function withoutComma(value: string, vmm: string): string {
  if (!value.includes(',')) return value;
  throw new ImageError('option-invalid', `${JSON.stringify(value)} has a comma, which ${vmm} takes for the end of it`);
}

/** `[name, value]`, or nothing without a value. */
export function option(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [name, value];
}
