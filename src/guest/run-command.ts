import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Channel } from '../core/guest/init-script.ts';
import { copyInput, copyUntilMarker, type GuestStreams } from './channels.ts';
import type { Machine } from './machine.ts';

/** A signal that a command can be sent. */
export type ForwardedSignal = 'INT' | 'TERM';

/** Size of a terminal in characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** A command that runs in a guest. */
export class RunningCommand {
  readonly #machine: Machine;
  readonly #control: Duplex;
  #hasStarted = false;

  /** Of pipes the first ports are standard input, output and error, of a terminal the first is all of them; the last is the control port. */
  constructor(machine: Machine, channel: Channel) {
    this.#machine = machine;
    this.#control = machine.port(PORT_COUNT[channel] - 1);
  }

  /** Whether a signal reached the command: before it has started there is none. */
  signal(name: ForwardedSignal): boolean {
    if (this.#hasStarted) this.#control.write(`signal ${name}\n`);
    return this.#hasStarted;
  }

  resize({ rows, columns }: TerminalSize): void {
    this.#control.write(`size ${rows} ${columns}\n`);
  }

  /** Runs it to its end; returns its exit status. Throws `guest-failed` when the guest ends before it. */
  async run(channel: Channel, streams: GuestStreams, size: TerminalSize): Promise<number> {
    // It begins with what texts do not have: the marker's beginning is held back where it stands last.
    const marker = `\x1e${randomBytes(16).toString('hex')}`;
    const machine = this.#machine;
    const outputs =
      channel === 'pipes'
        ? [
            copyUntilMarker(machine.port(1), marker, streams.stdout),
            copyUntilMarker(machine.port(2), marker, streams.stderr),
          ]
        : [copyUntilMarker(machine.port(0), marker, streams.stdout)];
    const stopInput = copyInput(streams.stdin, machine.port(0), END_OF_INPUT[channel]);
    const told = this.#statusTold();
    this.#control.write(`go ${marker} ${size.rows} ${size.columns}\n`);
    try {
      const failed = machine.ended.then((status) => Promise.reject(machine.failure(status)));
      failed.catch(() => undefined);
      const copied = Promise.all(outputs);
      // Whoever reads the output may have gone before the command ends.
      const status = await Promise.race([told, failed, copied.then(async () => told)]);
      await Promise.race([copied, machine.ended]);
      this.#control.write('bye\n');
      await machine.endOfItself();
      return status;
    } finally {
      stopInput();
    }
  }

  /** The exit status that the guest's first program tells; before it, that the command has started. */
  async #statusTold(): Promise<number> {
    return new Promise((resolve) => {
      let text = '';
      this.#control.on('data', (chunk: Buffer) => {
        text = (text + chunk.toString('latin1')).slice(-TOLD_LENGTH_MAX);
        this.#hasStarted ||= /^started\n/m.test(text);
        const status = /^status (\d{1,3})\n/m.exec(text)?.[1];
        if (status !== undefined) resolve(Number(status));
      });
    });
  }
}

/** How many ports a channel has, the control port among them. */
export const PORT_COUNT: Readonly<Record<Channel, number>> = { pipes: 4, tty: 2 };

/** A pipe is closed; a terminal, whose other direction would be too, is sent the key for it. */
const END_OF_INPUT: Readonly<Record<Channel, (port: Duplex) => void>> = {
  pipes: (port) => void port.end(),
  tty: (port) => void port.write('\x04'),
};

const TOLD_LENGTH_MAX = 256;
