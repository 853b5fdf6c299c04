import { spawnSync } from 'node:child_process';

/** The output of a command that must succeed. */
export function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; input?: Uint8Array } = {},
): Buffer {
  const { status, stdout, stderr, error } = spawnSync(command, args, { ...options, maxBuffer: 1 << 28 });
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
  const { status, stdout, error } = spawnSync(command, args);
  return error === undefined && status === 0 && stdout.toString().includes(expected);
}
