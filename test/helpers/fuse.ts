import { spawn } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { eventually } from './nbd-socket.ts';
import { scratch } from './scratch.ts';
import { run } from './tools.ts';

/**
 * Starts a program that mounts a disk by FUSE on the file whose path it is given; waits until the disk has `size` bytes. The
 * mount and the program are gone when the test ends. Returns the path.
 */
export async function fuseDisk(size: number, commandFor: (path: string) => readonly string[]): Promise<string> {
  const path = join(scratch(), 'disk');
  writeFileSync(path, '');
  const [command = '', ...args] = commandFor(path);
  const child = spawn(command, args, { stdio: 'inherit' });
  const ended = new Promise((resolve) => {
    child.once('close', resolve);
  });
  onTestFinished(async () => {
    run('umount', [path]);
    child.kill('SIGTERM');
    await ended;
  });
  await eventually(() => child.exitCode !== null || statSync(path).size === size);
  if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`);
  return path;
}
