import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { isThere } from './tools.ts';

/** The compiled command line, as users run it; `npm test` builds it first. */
export const MAIN = join(import.meta.dirname, '../../dist/src/cli/main.js');

if (!isThere(process.execPath, [MAIN, '--version'])) throw new Error(`${MAIN}: npm run build`);

/** How a command ended. */
export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly input?: Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** The Node to run it with. */
  readonly node?: string;
}

/** Runs `blockloom ARGS` in an environment with nothing else in it; the cache is in the working directory. */
export function blockloom(args: readonly string[], options: CliOptions = {}): CliResult {
  const { status, stdout, stderr, error } = spawnSync(options.node ?? process.execPath, [MAIN, ...args], {
    cwd: options.cwd,
    input: options.input ?? '',
    env: environment(options),
    maxBuffer: 1 << 28,
  });
  if (error !== undefined) throw error;
  return { status, stdout: stdout.toString('latin1'), stderr: stderr.toString() };
}

/** What a command that must succeed prints, without its last newline. */
export function output(args: readonly string[], options: CliOptions = {}): string {
  const { status, stdout, stderr } = blockloom(args, options);
  if (status !== 0) throw new Error(`blockloom ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout.replace(/\n$/, '');
}

/** Starts a command, for tests that end it early. */
export function startBlockloom(args: readonly string[], options: CliOptions = {}): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], {
    cwd: options.cwd,
    env: environment(options),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function environment({ cwd, env }: CliOptions): Record<string, string> {
  const cache = cwd === undefined ? {} : { XDG_CACHE_HOME: join(cwd, '.cache') };
  return { PATH: process.env['PATH'] ?? '', ...cache, ...env };
}
