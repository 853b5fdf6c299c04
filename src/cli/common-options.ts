import { type Command, Option } from 'commander';
import { ProgressLine, type ProgressStyle } from './progress.ts';

/** What the options that every reporting command has give. */
export interface CommonOptions {
  readonly progress: ProgressStyle;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Adds the options that every reporting command has. */
export function addCommonOptions(command: Command): Command {
  return command
    .option('--json', 'print the result as JSON')
    .addOption(
      new Option('--progress <style>', 'how progress is shown on stderr')
        .choices(['auto', 'tty', 'plain', 'json', 'none'])
        .default('auto'),
    )
    .option('-q, --quiet', 'no progress and no warnings');
}

/** Does work with a line of progress in the style that a command line asks for. */
export async function withProgress(
  { quiet, progress: style }: CommonOptions,
  work: (progress: ProgressLine) => Promise<void>,
): Promise<void> {
  const progress = new ProgressLine(quiet === true ? 'none' : style);
  try {
    await work(progress);
  } finally {
    progress.end();
  }
}
