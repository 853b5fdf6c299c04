import type { Command, Option } from 'commander';

/** Keeps the options of a command line as they are written, for a command line that says the same. */
export class RecordedOptions {
  readonly #words: string[] = [];

  /** Keeps those of `options` that the command is given from now on. */
  constructor(command: Command, options: readonly Option[]) {
    for (const option of options) {
      const flag = option.long ?? option.flags;
      command.on(`option:${option.name()}`, (value: string | null | undefined) => {
        this.#words.push(typeof value === 'string' ? `${flag}=${value}` : flag);
      });
    }
  }

  /** `--name=value` each, in their order. */
  get words(): readonly string[] {
    return this.#words;
  }
}
