import { spawnSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ImageError } from '../core/errors.ts';

/** What ends a mount of FUSE, the first that is there and can: users have fusermount, root has umount. */
const COMMANDS: readonly (readonly string[])[] = [
  ['fusermount3', '-u', '-z', '-q'],
  ['fusermount', '-u', '-z', '-q'],
  ['umount', '-l'],
  ['umount', '-f'],
];

/** Whether something is mounted on a file: its file system is another than its folder's, or has nobody behind it any more. */
export async function isMounted(path: string): Promise<boolean> {
  const folder = await stat(dirname(path));
  try {
    return (await stat(path)).dev !== folder.dev;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTCONN';
  }
}

/** Ends a mount, whether or not anybody has it open. Throws `bridge-failed`. */
export async function unmount(path: string): Promise<void> {
  for (const [command = '', ...args] of COMMANDS) {
    spawnSync(command, [...args, path], { stdio: 'ignore' });
    if (!(await isMounted(path))) return;
  }
  throw new ImageError('bridge-failed', `${path} is still mounted: umount it`);
}
