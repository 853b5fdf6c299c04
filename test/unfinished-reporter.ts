import { spawnSync } from 'node:child_process';
import type { Reporter, TestModule } from 'vitest/node';

/** How long nothing may end before what has not ended is named, and how long before the run is given up, in seconds. */
const NAMED_AFTER = 120;
const GIVEN_UP_AFTER = 600;

/**
 * Names the test files that hang. A file whose process is stuck in a loop hears no clock of its own, and would keep the run
 * from ending without a word.
 */
export default class UnfinishedReporter implements Reporter {
  readonly #running = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #quietSeconds = 0;

  onTestRunStart(): void {
    this.#timer = setInterval(() => this.#check(), NAMED_AFTER * 1000);
  }

  onTestModuleQueued(module: TestModule): void {
    this.#running.add(module.relativeModuleId);
  }

  onTestModuleEnd(module: TestModule): void {
    this.#running.delete(module.relativeModuleId);
    this.#quietSeconds = 0;
  }

  onTestRunEnd(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    this.#quietSeconds += NAMED_AFTER;
    if (this.#quietSeconds <= NAMED_AFTER) return;
    for (const path of this.#running) console.error(`has not ended: ${path}`);
    if (this.#quietSeconds < GIVEN_UP_AFTER) return;
    spawnSync('pkill', ['-KILL', '-P', String(process.pid)]);
    process.exit(1);
  }
}
