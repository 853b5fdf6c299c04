import { existsSync } from 'node:fs';
import { access, constants, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { ImageError } from '../core/errors.ts';
import { outputFailure } from '../sinks/failure.ts';
import { targetOf } from '../sinks/file-sink.ts';
import { STDOUT } from './output.ts';
import { namedRows } from './measures.ts';
import { formatSize } from './units.ts';

export function addDryRun(command: Command): Command {
  return command.option('--dry-run', 'write nothing, do all else, and say what would be written');
}

/** What would be written where. Sizes are in bytes. */
export interface DryRun {
  readonly file: string;
  /** Whether a file that is there would be replaced. */
  readonly replaces: boolean;
  readonly size: number;
  /** How much of it the file takes at most. */
  readonly allocated: number;
  /** What the folder has free; undefined for standard output. */
  readonly free: number | undefined;
}

/** Looks whether an image can be written to a place. Throws `output-exists` or `output-failed` as writing it would. */
export async function tryOutput(
  output: string,
  force: boolean,
  { size, allocated }: { readonly size: number; readonly allocated: number },
): Promise<DryRun> {
  if (output === STDOUT) return { file: output, replaces: false, size, allocated, free: undefined };
  const folder = dirname(await targetOf(output, force));
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    if (allocated > free) {
      const what = `cannot write ${output}: it takes up to ${formatSize(allocated)}, and ${formatSize(free)} are free`;
      throw new ImageError('output-failed', what);
    }
    return { file: output, replaces: existsSync(output), size, allocated, free };
  } catch (error) {
    throw outputFailure(output, error);
  }
}

/** The result for people, or as JSON with `more` in it. */
export function dryRunText(
  run: DryRun,
  rows: readonly (readonly [string, string])[],
  more: object,
  json: boolean | undefined,
): string {
  if (json === true) return JSON.stringify({ dryRun: true, ...run, ...more });
  const { file, replaces, free } = run;
  const target = file === STDOUT ? 'standard output' : `${file}${replaces ? ', which is replaced' : ''}`;
  const room = free === undefined ? [] : [['free there', `${free} (${formatSize(free)})`] as const];
  return namedRows([['output', target], ...rows, ...room]);
}
