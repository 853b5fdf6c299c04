import type { Command } from 'commander';
import type { OpenLayersOptions } from '../sources/open-layers.ts';
import { addCommonOptions, type CommonOptions } from './common-options.ts';
import type { ProgressLine } from './progress.ts';

/** What the options that every command of wares has give. */
export interface WareArguments extends CommonOptions {
  /** True without an option: the default place. */
  readonly cache: string | boolean;
}

/** For the help of such commands. */
export const EXIT_STATUS =
  "Exit status, as rio's: 0 done, 1 usage, 3 warehouse unavailable, 4 warehouse not writable, 5 ware not found, 6 ware corrupt, 7 hash mismatch, 10 assembly invalid, 11 pack invalid, 12 a path of this host cannot be read or written, 13 rejected by a filter.";

/** Adds the options that every command of wares has. */
export function addWareOptions(command: Command): Command {
  return addCommonOptions(command)
    .option('--cache <dir>', 'where decompressed layers and their indexes are kept; default: $XDG_CACHE_HOME/blockloom')
    .option('--no-cache', 'keep nothing between runs');
}

/** How what a command names is opened. */
export function sourceOptions(
  { cache, quiet }: WareArguments,
  signal: AbortSignal,
  progress: ProgressLine,
): OpenLayersOptions {
  return {
    cache: cache === true ? undefined : cache,
    signal,
    onProgress: progress.show,
    onWarning: (warning) => {
      if (quiet === true) return;
      progress.clear();
      console.error(`blockloom: warning: ${warning}`);
    },
  };
}

/** RFC 3339, in whole seconds. */
export function timeOf(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const milliseconds = Date.parse(text);
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000);
}
