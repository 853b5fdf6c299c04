import { setImmediate } from 'node:timers/promises';

/** How many steps are made between two looks at what else there is to do. */
const STEPS_BETWEEN = 64;

/** Makes all steps; returns what follows them. Throws what making them throws, or the signal's reason. */
export async function drain<S, T>(steps: Generator<S, T>, signal?: AbortSignal, each?: (step: S) => void): Promise<T> {
  for (let count = 1; ; count++) {
    const next = steps.next();
    if (next.done === true) return next.value;
    each?.(next.value);
    if (count % STEPS_BETWEEN !== 0) continue;
    await setImmediate();
    signal?.throwIfAborted();
  }
}
