import { ImageError } from '../core/errors.ts';
import { type BlockDevice } from '../core/ext4/reader/block-reader.ts';
import { Filesystem } from '../core/ext4/reader/filesystem.ts';
import { commandArguments, type CommandOptions, guestCommand } from '../core/guest/command.ts';
import type { FileTree } from '../core/guest/file-tree.ts';
import { ImageTree } from '../core/guest/image-tree.ts';
import { makeInitramfs } from '../core/guest/initramfs.ts';
import type { Channel, GuestTask, RootMode } from '../core/guest/init-script.ts';
import { checkModules } from '../core/guest/module-index.ts';
import { resolveUser } from '../core/guest/users.ts';
import { wantedModules } from '../core/guest/wanted-modules.ts';
import { busOf, QEMU_SYSTEMS, type QemuArchitecture, type QemuMachine } from '../core/launch/qemu.ts';
import type { Execution } from '../core/oci/execution.ts';
import { type BootFileOptions, type BootKernel, findBootKernel, findBusybox } from './boot-files.ts';
import { readModules } from './module-files.ts';

/** What a guest is to do, and with what; what is not told is found or as for a container. */
export interface GuestOptions extends BootFileOptions {
  /** What the image's configuration says of its program, where it has one. */
  readonly execution?: Execution | undefined;
  /** What replaces that. */
  readonly command?: CommandOptions | undefined;
  /** `USER[:GROUP]`, names of the image or numbers. */
  readonly user?: string | undefined;
  /** The image's own first program, an absolute path, in place of a command; without any command it is /sbin/init. */
  readonly init?: string | undefined;
  /** An initramfs in place of ours, which then mounts the root itself. */
  readonly initrd?: string | undefined;
  /** More of the kernel's command line. */
  readonly append?: string | undefined;
  /** Whether the guest writes to the disk; else to its memory, over the disk. */
  readonly isWritable: boolean;
  readonly channel: Channel;
  readonly architecture: QemuArchitecture;
  readonly machine: QemuMachine;
  /** Whether the kernel says all that it has to say. */
  readonly isVerbose: boolean;
  /** TERM of a command with a terminal. */
  readonly term?: string | undefined;
}

/** What a guest boots. */
export interface PreparedGuest {
  readonly kernel: BootKernel;
  /** Undefined where somebody named one. */
  readonly initramfs: Uint8Array | undefined;
  readonly append: string;
  /** What its command talks by; undefined where it has the console only. */
  readonly channel: Channel | undefined;
}

/** The most bytes of /etc/passwd and /etc/group that are read. */
const USER_FILE_BYTES_MAX = 16 * 1024 * 1024;
const DEFAULT_INIT = '/sbin/init';

/** Finds and makes what a guest boots with the image that `device` holds. Throws ImageError. */
export async function prepareGuest(device: BlockDevice, options: GuestOptions): Promise<PreparedGuest> {
  const { architecture, machine, initrd, isWritable } = options;
  const image = new ImageTree(new Filesystem(device));
  const kernel = findBootKernel(options, image, architecture);
  const console = [`console=${QEMU_SYSTEMS[architecture].console}`, 'panic=-1'];
  if (initrd !== undefined) {
    refuseCommand(options);
    const root = [
      'root=/dev/vda',
      isWritable ? 'rw' : 'ro',
      ...(options.init === undefined ? [] : [`init=${options.init}`]),
    ];
    return { kernel, initramfs: undefined, append: line([...console, ...root], options), channel: undefined };
  }
  const task = taskOf(options, image);
  const wanted = wantedModules(busOf(machine), task);
  const { modules, release = 'without a release' } = kernel;
  if (modules !== undefined) checkModules(modules.index, wanted, release);
  const initramfs = makeInitramfs({
    busybox: findBusybox(options, image, architecture),
    modules:
      modules === undefined
        ? []
        : await readModules(
            modules,
            wanted.map(({ name }) => name),
          ),
    task,
  });
  const isQuiet = task.kind === 'command' && !options.isVerbose;
  const append = line([...console, 'rdinit=/init', ...(isQuiet ? ['quiet'] : [])], options);
  return { kernel, initramfs, append, channel: task.kind === 'command' ? task.channel : undefined };
}

function line(words: readonly string[], { append }: GuestOptions): string {
  return [...words, ...(append === undefined ? [] : [append])].join(' ');
}

function refuseCommand({ command }: GuestOptions): void {
  if (command === undefined || commandArguments(undefined, command).length === 0) return;
  throw new ImageError(
    'option-invalid',
    'a command is started by an initramfs of ours, which --initrd takes the place of',
  );
}

function taskOf(options: GuestOptions, image: FileTree): GuestTask {
  const { execution, command = { command: [], env: [] }, channel, isWritable } = options;
  const root: RootMode = isWritable ? 'writable' : 'overlay';
  if (options.init === undefined && commandArguments(execution, command).length > 0) {
    const user = resolveUser(options.user ?? execution?.user ?? '', {
      passwd: textOf(image, 'etc/passwd'),
      group: textOf(image, 'etc/group'),
    });
    const host = channel === 'tty' ? { TERM: options.term ?? 'linux' } : {};
    return { kind: 'command', command: guestCommand(execution, command, user, host), channel, root };
  }
  const path = options.init ?? DEFAULT_INIT;
  if (!path.startsWith('/')) throw new ImageError('option-invalid', `${path} is no absolute path of the image`);
  if (image.size(path.slice(1)) === undefined) {
    const hint = options.init === undefined ? ', and no command is named: put one behind --' : '';
    throw new ImageError('option-invalid', `the image has no ${path}${hint}`);
  }
  return { kind: 'init', path, root };
}

function textOf(image: FileTree, path: string): string | undefined {
  if (image.size(path) === undefined) return undefined;
  return Buffer.from(image.read(path, USER_FILE_BYTES_MAX)).toString('utf8');
}
