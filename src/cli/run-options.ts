import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Channel } from '../core/guest/init-script.ts';
import type { Accelerator } from '../guest/accelerator.ts';
import type { ImageArguments } from './image-arguments.ts';
import { collect, parseCount, parseSize } from './values.ts';

/** What of a command line says how an image is run. */
export interface RunArguments extends ImageArguments {
  readonly kernel?: string;
  readonly initrd?: string;
  readonly modules?: string;
  readonly busybox?: string;
  readonly append?: string;
  readonly machine: 'default' | 'microvm';
  readonly accel: Accelerator | 'auto';
  /** In bytes. */
  readonly memory: number;
  readonly cpus?: number;
  readonly writable?: boolean;
  readonly delta?: string;
  /** Of the file of a disk. */
  readonly partition?: string;
  readonly console: Channel | 'auto';
  readonly kernelLog?: boolean;
  readonly init?: string;
  readonly entrypoint?: string;
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  readonly dryRun?: boolean;
}

const MEMORY_DEFAULT = 512 * 2 ** 20;

/** Adds the options of a guest. */
export function addRunOptions(command: Command): Command {
  return addMachineOptions(addProgramOptions(command.optionsGroup('What runs:'))).optionsGroup('Options:');
}

function addProgramOptions(command: Command): Command {
  return command
    .option(
      '--env <name[=value]>',
      'a variable of its environment, without a value with that of this one; may be repeated',
      parseVariable,
    )
    .option(
      '--user <user[:group]>',
      "who it runs as, names of the image or numbers; default: the configuration's, or root",
    )
    .option('--workdir <path>', "where it runs; default: the configuration's, or /")
    .option('--entrypoint <program>', "a program in place of the image's entry point and command; '' for none")
    .option('--init <path>', "boot the image's own first program in place of a command")
    .addOption(
      new Option(
        '--console <how>',
        'pipes: its input, output and errors are those of blockloom; tty: a terminal; auto: a terminal where standard input and output are one',
      )
        .choices(['auto', 'pipes', 'tty'])
        .default('auto'),
    )
    .option('--kernel-log', 'print what the kernel says, on standard error')
    .option('--dry-run', "print QEMU's command line, and start nothing");
}

function addMachineOptions(command: Command): Command {
  return addBootOptions(command)
    .option(
      '--partition <which>',
      'of the file of a disk the partition with this number, name or filesystem label; default: its root partition',
    )
    .option('--initrd <file>', 'an initramfs in place of ours; it mounts root=/dev/vda, and runs no command')
    .option('--writable', 'let the guest write to the disk itself; what it writes is gone at the end')
    .addOption(
      new Option('--delta <file>', 'let the guest write to the disk, and keep that in a file, for commit too').implies({
        writable: true,
      }),
    );
}

/** Adds the options of the machine, and of what boots in it. */
export function addBootOptions(command: Command): Command {
  return command
    .optionsGroup('The machine:')
    .option('--kernel <file>', 'the kernel; default: the newest of the image, else the newest of this host')
    .option(
      '--modules <dir>',
      "the kernel's modules; default: beside the kernel, of the image, or /lib/modules of this host",
    )
    .option('--busybox <file>', "a static busybox for the guest's first program; default: this host's, or the image's")
    .option('--append <words>', "more of the kernel's command line")
    .addOption(
      new Option('--machine <machine>', "default is QEMU's q35 or virt; microvm has no PCI and starts sooner")
        .choices(['default', 'microvm'])
        .default('default'),
    )
    .addOption(
      new Option('--accel <how>', 'kvm, or tcg, which emulates; auto: KVM where a guest starts with it')
        .choices(['auto', 'kvm', 'tcg'])
        .default('auto'),
    )
    .addOption(new Option('--memory <size>', 'its memory').argParser(parseSize).default(MEMORY_DEFAULT, '512M'))
    .option('--cpus <count>', 'its processors; default: 2, where this host has as many', parseCount);
}

/** Of a name alone that has no value here there is no variable. */
function parseVariable(text: string, before: readonly string[] = []): readonly string[] {
  if (text === '' || text.startsWith('=')) throw new InvalidArgumentError('A variable is NAME=VALUE or NAME.');
  if (text.includes('=')) return collect(text, before);
  const value = process.env[text];
  return value === undefined ? before : collect(`${text}=${value}`, before);
}
