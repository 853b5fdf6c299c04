import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { release } from 'node:os';

/** How long a program may take to say its version, in milliseconds. */
const TIME_MAX = 3000;

/** Where a program is on PATH; undefined when it is not there. */
export function programPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  // Where Debian has what root uses, though users can.
  return [...folders, '/usr/sbin', '/sbin']
    .map((folder) => join(folder, name))
    .find((path) => isAccessible(path, constants.X_OK));
}

/** What a program says its version is; undefined when it does not say so in time. Nothing else is started of it. */
export async function programVersion(path: string, flag: string): Promise<string | undefined> {
  return new Promise((done) => {
    const child = execFile(path, [flag], { timeout: TIME_MAX, killSignal: 'SIGKILL' }, (_, stdout, stderr) => {
      done(/\d+(?:\.\d+)+/.exec(stdout + stderr)?.[0]);
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end();
  });
}

export function isAccessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** The file's text; undefined when it cannot be read. */
export function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** A folder, or that above it in which it would be made. */
export function existingFolder(path: string): string {
  let folder = resolve(path);
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** What a folder's filesystem is and has free, in bytes. */
export function filesystemOf(folder: string): { readonly type: string; readonly free: number } {
  const { type, bavail, bsize } = statfsSync(folder);
  return { type: FILESYSTEMS[type] ?? `filesystem 0x${type.toString(16)}`, free: bavail * bsize };
}

/** statfs(2) */
const FILESYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x2fc12fc1: 'zfs',
  0xca451a4e: 'bcachefs',
  0xf2f52010: 'f2fs',
  0x01021994: 'tmpfs',
  0x794c7630: 'overlayfs',
  0x6969: 'nfs',
  0x65735546: 'fuse',
  0x4d44: 'vfat',
  0x2011bab0: 'exfat',
};

/** How the kernel has a module: built in or loaded, to be loaded, or not at all. */
export function kernelHas(module: string): 'now' | 'as a module' | 'no' {
  if (existsSync(`/sys/module/${module}`)) return 'now';
  const folder = join('/lib/modules', release());
  const file = new RegExp(`/${module.replaceAll('_', '[_-]')}\\.ko`, 'm');
  if (file.test(textOf(join(folder, 'modules.builtin')) ?? '')) return 'now';
  return file.test(textOf(join(folder, 'modules.dep')) ?? '') ? 'as a module' : 'no';
}

/** Whether the kernel can mount filesystems of that type without loading anything. */
export function kernelMounts(type: string): boolean {
  return (textOf('/proc/filesystems') ?? '').split('\n').some((line) => line.trim().split(/\s+/).at(-1) === type);
}
