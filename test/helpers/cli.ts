import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTar } from './tar-writer.ts';
import { isThere, LIMIT } from './tools.ts';

/** The compiled command line, as users run it; `npm test` builds it first. */
export const MAIN = join(import.meta.dirname, '../../dist/bundle/cli/main.js');

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
    ...LIMIT,
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
    stdio: 'pipe',
  });
}

function environment({ cwd, env }: CliOptions): Record<string, string> {
  const cache = cwd === undefined ? {} : { XDG_CACHE_HOME: join(cwd, '.cache') };
  return { PATH: process.env['PATH'] ?? '', ...cache, ...env };
}

/** Writes two small layers with something of everything into a folder; their names. */
export function writeLayers(folder: string): readonly ['base.tar', 'app.tar'] {
  const base = makeTar([
    { name: './', mode: 0o755 },
    { name: 'etc/' },
    { name: 'etc/hostname', data: 'loom\n', mtime: 1_700_000_000, uid: 5, gid: 6 },
    { name: 'etc/old', data: 'old' },
    { name: 'bin/', mode: 0o2775 },
    { name: 'bin/tool', mode: 0o4755, data: 'x'.repeat(10_000), mtime: 1_000_000_000 },
    { name: 'bin/same', type: 'hardlink', linkName: 'bin/tool' },
    { name: 'sbin', type: 'symlink', linkName: 'bin' },
    {
      name: 'holes',
      sparse: { form: '1.0', size: 1 << 20, segments: [{ offset: 1 << 19, length: 5000 }] },
      data: 'y'.repeat(5000),
    },
    { name: 'null', type: 'character', deviceMajor: 1, deviceMinor: 3 },
    { name: 'long', type: 'symlink', linkName: 'n'.repeat(100) },
  ]);
  const app = makeTar([
    { name: 'etc/.wh.old' },
    { name: 'sbin/app', data: 'app', mtime: 1_200_000_000 },
    { name: 'srv/new', data: 'new\n' },
  ]);
  writeFileSync(join(folder, 'base.tar'), base);
  writeFileSync(join(folder, 'app.tar'), app);
  return ['base.tar', 'app.tar'];
}
