import type { RunningGuest } from '../guest/run-guest.ts';

const SIGNALS = { SIGINT: 'INT', SIGTERM: 'TERM' } as const;

/** Passes signals on to the command of a guest: the first, and the second ends the guest. */
export class GuestSignals {
  /** Before there is one, signals end what is done for it. */
  guest: RunningGuest | undefined;
  #count = 0;

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, this.#onSignal);
  }

  stop(): void {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, this.#onSignal);
  }

  readonly #onSignal = (signal: keyof typeof SIGNALS): void => {
    const isTaken = ++this.#count === 1 && this.guest?.signal(SIGNALS[signal]) === true;
    if (!isTaken) this.guest?.kill();
  };
}
