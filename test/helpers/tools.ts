import { existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

/** A tool that hangs fails its test; while it runs no other clock of the test does. */
export const LIMIT = { timeout: 100_000, killSignal: 'SIGKILL' } as const;

/** The output of a command that must succeed. */
export function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; input?: Uint8Array; timeout?: number } = {},
): Buffer {
  const { status, stdout, stderr, error } = spawnSync(command, args, { ...LIMIT, ...options, maxBuffer: 1 << 28 });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr.toString()}`);
  return stdout;
}

/** For `describe.skipIf`: says why tests are skipped where they are. */
export function skipped(isSkipped: boolean, reason: string): boolean {
  if (isSkipped) console.warn(`skipped: ${reason}`);
  return isSkipped;
}

/** Whether `command ARGS` runs, succeeds and prints `expected` somewhere. */
export function isThere(command: string, args: readonly string[], expected = ''): boolean {
  const { status, stdout, error } = spawnSync(command, args, LIMIT);
  return error === undefined && status === 0 && stdout.toString().includes(expected);
}

/**
 * Whether conformance tests that need all of `tools` can run: commands, files by their paths, or `root` for a test that mounts. Prints what is
 * missing; where CI is set a missing tool is an error instead, so that nothing is skipped unseen.
 */
export function requireTools(...tools: readonly string[]): boolean {
  const missing = tools.filter((tool) => !(tool === 'root' ? process.getuid?.() === 0 : isInstalled(tool)));
  if (missing.length === 0) return true;
  if (process.env.CI === 'true') throw new Error(`conformance tests need ${missing.join(', ')}`);
  console.warn(`skipped: ${missing.join(', ')} missing`);
  return false;
}

function isInstalled(command: string): boolean {
  return command.startsWith('/') ? existsSync(command) : spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
}

/** Throws what `e2fsck -fn` complains about. */
export function e2fsck(path: string): void {
  const { status, stdout, stderr } = spawnSync('e2fsck', ['-fn', path], { ...LIMIT, maxBuffer: 1 << 26 });
  if (status !== 0)
    throw new Error(`e2fsck -fn ended with ${status}:\n${stdout.toString().slice(0, 4000)}${stderr.toString()}`);
}

/** What debugfs prints for a request. */
export function debugfs(path: string, request: string): string {
  return run('debugfs', ['-R', request, path]).toString('latin1');
}
