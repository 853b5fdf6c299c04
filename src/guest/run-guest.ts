import type { Channel } from '../core/guest/init-script.ts';
import { PORTS } from '../core/guest/init-script.ts';
import {
  busOf,
  QEMU_SYSTEMS,
  type QemuArchitecture,
  qemuArguments,
  type QemuDisk,
  type QemuMachine,
  qemuPorts,
} from '../core/launch/qemu.ts';
import { chooseAccelerator, type Accelerator } from './accelerator.ts';
import { clockParameters } from './clock-parameters.ts';
import { type GuestStreams, unlessBroken, watchLeavingKey } from './channels.ts';
import { requireProgram } from '../process/find-program.ts';
import type { GuestFolder } from './guest-folder.ts';
import { FIRST_PORT, Machine } from './machine.ts';
import type { PreparedGuest } from './prepare-guest.ts';
import { type ForwardedSignal, PORT_COUNT, RunningCommand, type TerminalSize } from './run-command.ts';

/** The machine that a guest runs in. */
export interface MachineChoice {
  readonly architecture: QemuArchitecture;
  readonly machine: QemuMachine;
  readonly accelerator: Accelerator | 'auto';
  /** In bytes. */
  readonly memory: number;
  readonly cpus: number;
  /** Where it is kept whether KVM works here. */
  readonly cache: string | undefined;
  readonly onWarning: (warning: string) => void;
}

/** What a guest is connected with. */
export interface GuestConnections {
  readonly streams: GuestStreams;
  readonly size: TerminalSize;
  /** Is told what the console of a guest says whose command does not talk by it. */
  readonly onLog?: ((chunk: Uint8Array) => void) | undefined;
}

/** A guest that is ready to start. */
export class StartableGuest {
  readonly #folder: GuestFolder;
  readonly #channel: Channel | undefined;
  readonly argv: readonly string[];

  private constructor(folder: GuestFolder, channel: Channel | undefined, argv: readonly string[]) {
    this.#folder = folder;
    this.#channel = channel;
    this.argv = argv;
  }

  /** Writes the files that QEMU reads to a folder, and decides what runs the guest. `initrd` is what was named in place of ours. Throws ImageError. */
  static async make(
    prepared: PreparedGuest,
    initrd: string | undefined,
    disks: readonly QemuDisk[],
    choice: MachineChoice,
    folder: GuestFolder,
  ): Promise<StartableGuest> {
    const { architecture, machine } = choice;
    const { program: name, debian } = QEMU_SYSTEMS[architecture];
    const program = requireProgram(name, debian);
    const kernel = prepared.kernel.path ?? folder.write('kernel', prepared.kernel.bytes);
    const initramfs = prepared.initramfs === undefined ? initrd : folder.write('initramfs', prepared.initramfs);
    const accelerator = await acceleratorOf(choice, program, kernel, prepared);
    const append = [prepared.append, ...clockParameters(machine, accelerator, prepared.append)].join(' ');
    const guest = { ...choice, accelerator, kernel, initrd: initramfs, append, disks };
    const argv = [program, ...qemuArguments(guest), ...consoleArguments(prepared.channel, machine)];
    return new StartableGuest(folder, prepared.channel, argv);
  }

  start(): RunningGuest {
    const channel = this.#channel;
    const [program = '', ...args] = this.argv;
    const ports = channel === undefined ? 0 : PORT_COUNT[channel];
    const { guard } = this.#folder;
    const machine = new Machine({ program, args, ports, hasInput: channel === undefined, guard });
    return new RunningGuest(machine, channel);
  }
}

async function acceleratorOf(
  { accelerator, architecture, cache, onWarning }: MachineChoice,
  program: string,
  kernel: string,
  prepared: PreparedGuest,
): Promise<Accelerator> {
  if (accelerator !== 'auto') return accelerator;
  const isHosts = ({ x64: 'amd64', arm64: 'arm64' } as Record<string, string>)[process.arch] === architecture;
  if (!isHosts) return 'tcg';
  const { name, release = '' } = prepared.kernel;
  const kernelName = `${name} ${release}`;
  return chooseAccelerator({ program, architecture, kernel, kernelName, cache, onWarning });
}

/** The console is QEMU's own standard input and output; a command has ports beside it. */
function consoleArguments(channel: Channel | undefined, machine: QemuMachine): string[] {
  const console = ['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'];
  if (channel === undefined) return console;
  const numbers = channel === 'tty' ? { terminal: 0, control: PORTS.control } : PORTS;
  const ports = Object.entries(numbers).map(([name, number], i) => ({ name, number, fd: FIRST_PORT + i }));
  return [...console, ...qemuPorts(ports, busOf(machine))];
}

/** A guest that runs. */
export class RunningGuest {
  readonly #machine: Machine;
  readonly #channel: Channel | undefined;
  readonly #command: RunningCommand | undefined;

  constructor(machine: Machine, channel: Channel | undefined) {
    this.#machine = machine;
    this.#channel = channel;
    this.#command = channel === undefined ? undefined : new RunningCommand(machine, channel);
  }

  /** Runs it to its end; returns its command's exit status, or 0 when it powered off. Throws `guest-failed`. */
  async run({ streams, size, onLog }: GuestConnections): Promise<number> {
    const machine = this.#machine;
    if (this.#channel === undefined || this.#command === undefined) return this.#runConsole(streams);
    machine.console.on('data', (chunk: Buffer) => {
      machine.log(chunk);
      onLog?.(chunk);
    });
    const stopWatching =
      this.#channel === 'tty' ? watchLeavingKey(streams.stdin, () => this.kill()) : (): void => undefined;
    try {
      return await this.#command.run(this.#channel, streams, size);
    } finally {
      stopWatching();
      await machine.end();
    }
  }

  async #runConsole({ stdin, stdout }: GuestStreams): Promise<number> {
    const machine = this.#machine;
    machine.console.on('data', (chunk: Buffer) => machine.log(chunk));
    machine.console.pipe(stdout, { end: false });
    stdin.pipe(machine.input);
    const stopWatching = watchLeavingKey(stdin, () => this.kill());
    try {
      const status = await unlessBroken(stdout, machine.ended);
      if (status === 0) return 0;
      throw machine.failure(status);
    } finally {
      stopWatching();
      stdin.unpipe(machine.input);
      stdin.pause();
      await machine.end();
    }
  }

  /** Sends a signal to the command; false where there is none that would take it. */
  signal(name: ForwardedSignal): boolean {
    return this.#command?.signal(name) ?? false;
  }

  resize(size: TerminalSize): void {
    this.#command?.resize(size);
  }

  /** Ends it at once. */
  kill(): void {
    void this.#machine.end();
  }
}
