import { setTimeout as delay } from 'node:timers/promises';
import { ImageError } from '../../core/errors.ts';

/** How long things may take, and how waiting is done; tests have their own. */
export interface Timing {
  readonly sleep: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
  /** 0 to 1. */
  readonly random: () => number;
  /** How long a server may take to begin its answer, in milliseconds. */
  readonly answerMilliseconds: number;
  /** How long the next STALL_BYTES bytes, or the end before them, may take, in milliseconds. */
  readonly stallMilliseconds: number;
}

/** A transfer that brings fewer bytes than this in `stallMilliseconds` is given up. */
export const STALL_BYTES = 32 * 1024;

/** What waits have in common. */
export interface WaitOptions {
  readonly timing: Timing;
  /** Ends waits, and what is waited for; its reason is thrown. */
  readonly signal: AbortSignal | undefined;
  /** Told, in one line, why it takes long. */
  readonly onWarning: (what: string) => void;
}

/** What applies where nobody says otherwise. */
export const DEFAULT_TIMING: Timing = {
  sleep: async (milliseconds, signal) => {
    // Each wait has a signal of its own: Node.js warns of many that listen to one.
    await delay(milliseconds, undefined, { signal: AbortSignal.any(signal === undefined ? [] : [signal]) });
  },
  random: Math.random,
  answerMilliseconds: 60_000,
  stallMilliseconds: 30_000,
};

/** How often something is tried that brings nothing. */
const ATTEMPTS_MAX = 6;
const FIRST_DELAY = 500;
const DELAY_MAX = 16_000;
/** Waits from this on are told of, in milliseconds. */
const WARNED = 2000;
/** The longest time that a server is waited for when it asks for that, in milliseconds. */
const RETRY_AFTER_MAX = 120_000;

/** What may go well when it is tried again. `failure` is thrown when it never does. */
export class TransientFailure extends Error {
  readonly failure: ImageError;
  /** What the server asks to wait, in milliseconds. */
  readonly retryAfter: number | undefined;

  constructor(failure: ImageError, retryAfter?: number) {
    super(failure.message, { cause: failure });
    this.failure = failure;
    this.retryAfter = retryAfter;
  }
}

/** Counts the failures of one piece of work, and waits longer after each: exponentially, less up to a half at random. */
export class Patience {
  readonly #options: WaitOptions;
  #failures = 0;

  constructor(options: WaitOptions) {
    this.#options = options;
  }

  /** Waits before the next attempt. Throws `error` when it is not transient, and its ImageError when it was the last attempt. */
  async wait(error: unknown): Promise<void> {
    const { timing, signal, onWarning } = this.#options;
    signal?.throwIfAborted();
    if (!(error instanceof TransientFailure)) throw error;
    const { failure, retryAfter = 0 } = error;
    if (++this.#failures >= ATTEMPTS_MAX) throw extended(failure, `given up after ${ATTEMPTS_MAX} attempts`);
    if (retryAfter > RETRY_AFTER_MAX) throw extended(failure, `it asks to wait ${Math.ceil(retryAfter / 1000)} s`);
    const backOff = Math.min(FIRST_DELAY * 2 ** (this.#failures - 1), DELAY_MAX);
    const milliseconds = Math.max(retryAfter, backOff * (1 - timing.random() / 2));
    if (milliseconds >= WARNED) onWarning(`${failure.what}; trying again in ${Math.round(milliseconds / 1000)} s`);
    await timing.sleep(milliseconds, signal);
  }

  /** The last attempt brought something: the next failure is the first. */
  reward(): void {
    this.#failures = 0;
  }
}

/** The result of the first attempt that succeeds. Throws what the last one throws. */
export async function persist<T>(attempt: () => Promise<T>, options: WaitOptions): Promise<T> {
  const patience = new Patience(options);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      await patience.wait(error);
    }
  }
}

function extended({ code, what, cause }: ImageError, more: string): ImageError {
  return new ImageError(code, `${what}; ${more}`, {}, cause === undefined ? {} : { cause });
}
