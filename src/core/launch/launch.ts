import { ImageError } from '../errors.ts';
import type { Attachment, Disk } from './disk.ts';
import type { QemuArchitecture } from './qemu.ts';

/** What a VMM is to run. */
export interface LaunchOptions {
  readonly disk: Disk;
  readonly readOnly: boolean;
  /** The disk's name for the guest: virtio's serial number, or the VMM's identifier. At most 20 bytes of `[A-Za-z0-9_-]`. */
  readonly name: string;
  /** Without one the VMM's firmware boots the disk, where it has some. */
  readonly kernel?: string | undefined;
  readonly initrd?: string | undefined;
  /** The kernel's command line; without one it names the disk as root filesystem, and the console. */
  readonly append?: string | undefined;
  /** In bytes. */
  readonly memory: number;
  readonly cpus: number;
  /** Of the guest. */
  readonly architecture: QemuArchitecture;
  /** How QEMU runs its processors. */
  readonly accelerator: 'kvm' | 'tcg';
  /** An absolute path to a folder for files of the launch. */
  readonly folder: string;
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
  /** The Debian package that has its program, where there is one. */
  readonly debian?: string | undefined;
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

/** The kernel's command line: the one that is given, or the disk as root filesystem behind what the VMM wants in it. */
export function kernelParameters({ append, readOnly }: LaunchOptions, ...wanted: readonly string[]): string {
  return append ?? [...wanted, 'root=/dev/vda', readOnly ? 'ro' : 'rw'].join(' ');
}

/** The path of a disk that has one. Throws `option-invalid` for another. */
export function pathOf(disk: Disk, vmm: string): string {
  if ('path' in disk) return disk.path;
  throw new ImageError('option-invalid', `${vmm} takes a disk by its path, not as ${disk.as}`);
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
