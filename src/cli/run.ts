import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { ImageError } from '../core/errors.ts';
import type { Channel } from '../core/guest/init-script.ts';
import type { QemuArchitecture } from '../core/launch/qemu.ts';
import { shellWords } from '../core/launch/shell-words.ts';
import { parsePlatform } from '../core/oci/platform.ts';
import { hostArchitecture } from '../guest/boot-files.ts';
import type { GuestOptions } from '../guest/prepare-guest.ts';
import type { MachineChoice } from '../guest/run-guest.ts';
import type { Image } from '../image/image.ts';
import { openFilesystem, readDisk } from '../image/open-filesystem.ts';
import type { Backend } from '../nbd/index.ts';
import { openWritable } from '../open-writable.ts';
import { partOfBackend } from '../overlay/part-of-backend.ts';
import { runImage } from '../run-image.ts';
import type { ResolvedReference } from '../sources/resolve.ts';
import { addNotes, type CommandNotes } from './command-notes.ts';
import { divideWords } from './command-words.ts';
import { withProgress } from './common-options.ts';
import { GuestSignals } from './guest-signals.ts';
import { addImageOptions, addLayers, cacheDirectoryOf, described } from './image-arguments.ts';
import type { ProgressLine } from './progress.ts';
import { addRunOptions, type RunArguments } from './run-options.ts';
import { closeExports, openExports } from './serve-exports.ts';
import { isTerminal, Terminal } from './terminal.ts';

const NOTES: CommandNotes = {
  notes: [
    "What stands behind -- runs as the guest's only program, behind the image's entry point, with the environment, user and directory of its configuration. The exit status is the command's. Without a command and a configuration that has one, the image's own /sbin/init boots.",
    'What the guest writes is gone at the end, unless --delta keeps it. Ctrl-C is sent to the command, a second one ends the guest; so does Ctrl-] three times in a terminal.',
  ],
  examples: [
    ['blockloom run docker://docker.io/library/alpine -- cat /etc/os-release'],
    ['blockloom run oci:./app:latest', "the image's own entry point"],
    ['blockloom run base.tar app.tar.gz --kernel vmlinuz -- /bin/sh', 'with a terminal, where this is one'],
    [
      'blockloom run rootfs.tar --delta work.delta --free 1G --journal=auto',
      'boots its init, and keeps what it writes',
    ],
    ['blockloom run rootfs.tar --dry-run -- true', "prints QEMU's command line"],
  ],
};

export function addRun(program: Command, signal: AbortSignal): void {
  const command = program
    .command('run')
    .description('boot an image in QEMU, which reads it over NBD, and run a command in it');
  addLayers(command, '; or the file of an image; behind -- a command');
  addNotes(addImageOptions(addRunOptions(command)), NOTES).action(async (references: string[], given: RunArguments) =>
    withProgress(given, async (progress) => {
      const { layers, options } = await described(references, given);
      const opened = await openExports([{ name: '', layers }], { ...options, disk: 'none' }, signal, progress);
      try {
        const { image, references: resolved } = opened[0]!;
        process.exitCode = await run(image, resolved, options, signal, progress);
      } finally {
        closeExports(opened);
      }
    }),
  );
}

async function run(
  image: Image,
  references: readonly ResolvedReference[],
  options: RunArguments,
  signal: AbortSignal,
  progress: ProgressLine,
): Promise<number> {
  const root = rootOf(image, options);
  const backend = await backendOf(image, root, options, signal, progress);
  const terminal = new Terminal();
  const signals = new GuestSignals();
  try {
    return await runImage(root.image, {
      ...machineOptions(options, references),
      ...programOptions(options, references),
      backend,
      onWarning: (warning) => {
        if (options.quiet === true) return;
        progress.clear();
        console.error(`blockloom: warning: ${warning}`);
      },
      onCommandLine: (argv) => {
        signal.throwIfAborted();
        progress.end();
        if (options.dryRun === true) console.log(shellWords(argv));
        return options.dryRun !== true;
      },
      onStart: (guest) => {
        signals.guest = guest;
        if (channelOf(options) === 'tty') terminal.makeRaw((size) => guest.resize(size));
      },
      connections: {
        streams: process,
        size: terminal.size,
        onLog: options.kernelLog === true ? (chunk) => void process.stderr.write(chunk) : undefined,
      },
    });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signals.stop();
    terminal.restore();
  }
}

const CPUS_DEFAULT = 2;

function machineOptions(
  { machine, accel, memory, cpus, cache, platform }: RunArguments,
  references: readonly ResolvedReference[],
): Pick<MachineChoice, 'architecture' | 'machine' | 'accelerator' | 'memory' | 'cpus' | 'cache'> {
  const architecture = architectureOf(references, platform);
  if (machine === 'microvm' && architecture !== 'amd64')
    throw new ImageError('option-invalid', `a microvm is for amd64, and the image is for ${architecture}`);
  return {
    architecture,
    machine,
    accelerator: accel,
    memory,
    cpus: cpus ?? Math.min(CPUS_DEFAULT, availableParallelism()),
    cache: cacheDirectoryOf(cache),
  };
}

/** That of the container image, which is asked for, or of this host. */
function architectureOf(references: readonly ResolvedReference[], platform: string | undefined): QemuArchitecture {
  const asked = platform === undefined ? undefined : parsePlatform(platform).architecture;
  const found = topmost(references)?.platform.architecture;
  const architecture = (found === '' ? undefined : found) ?? asked ?? hostArchitecture();
  if (architecture === 'amd64' || architecture === 'arm64') return architecture;
  throw new ImageError(
    'option-invalid',
    `guests are for amd64 or arm64, and the image is for ${architecture ?? process.arch}`,
  );
}

/** The container image whose layers lie on top of those of others. */
const topmost = (references: readonly ResolvedReference[]): ResolvedReference['origin'] =>
  references.findLast(({ origin }) => origin !== undefined)?.origin;

function programOptions(
  options: RunArguments,
  references: readonly ResolvedReference[],
): Omit<GuestOptions, 'isWritable' | 'architecture' | 'machine'> {
  const { kernel, initrd, modules, busybox, append, init, user, entrypoint, env = [], workdir } = options;
  const { command } = divideWords(process.argv);
  return {
    kernel,
    initrd,
    modules,
    busybox,
    append,
    init,
    user,
    execution: topmost(references)?.execution(),
    command: { command, entrypoint, env, workingDir: workdir },
    channel: channelOf(options),
    isVerbose: options.kernelLog === true,
    term: process.env['TERM'],
  };
}

function channelOf({ console: how }: RunArguments): Channel {
  if (how !== 'auto') return how;
  return isTerminal() ? 'tty' : 'pipes';
}

/** What the guest has as its root: an image without a partition table, or a partition of a disk. */
interface Root {
  readonly image: Image;
  /** In bytes of the disk. */
  readonly start: number;
}

function rootOf(image: Image, { partition: wanted }: RunArguments): Root {
  if (wanted === undefined && readDisk(image) === undefined) return { image, start: 0 };
  const { image: part, partition } = openFilesystem(image, wanted);
  return { image: part, start: partition?.partition.start ?? 0 };
}

/** What the guest writes to, where it does; a delta is over all of a disk. */
async function backendOf(
  image: Image,
  root: Root,
  { writable, delta }: RunArguments,
  signal: AbortSignal,
  progress: ProgressLine,
): Promise<Backend | undefined> {
  if (writable !== true) return undefined;
  const backend = await openWritable(image, { delta, signal, onProgress: progress.show });
  const whole = await (typeof backend === 'function' ? backend() : backend);
  return root.image === image ? whole : partOfBackend(whole, root.start, root.image.size);
}
