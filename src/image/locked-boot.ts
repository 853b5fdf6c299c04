import type { LockedBoot, LockedBootFile } from '../core/lock/disk.ts';
import type { BootFiles } from './boot-layer.ts';
import type { BootFile } from './boot-tree.ts';
import type { BootOptions } from './disk-options.ts';
import { lockFile } from './locked-files.ts';

/** What makes a disk boot, files of the host by their digests. Throws as reading these does. */
export async function lockBoot({ release, kernel, initrd, efi }: BootFiles, boot: BootOptions): Promise<LockedBoot> {
  const { loader = 'systemd-boot', cmdline, timeout = 0 } = boot;
  return {
    kernel: await lockBootFile(kernel),
    ...(initrd === undefined ? {} : { initrd: await lockBootFile(initrd) }),
    efi: await lockBootFile(efi),
    release,
    loader,
    ...(cmdline === undefined ? {} : { cmdline }),
    timeout,
  };
}

async function lockBootFile(file: BootFile): Promise<LockedBootFile> {
  if ('layers' in file.place) return file.place;
  return lockFile(file.place.file, file.length, (at, target) => file.readSync(at, target));
}

/** The reverse. */
export function unlockBoot({ kernel, initrd, efi, ...same }: LockedBoot): BootOptions {
  return {
    ...same,
    kernel: placeOf(kernel),
    initrd: initrd === undefined ? 'none' : placeOf(initrd),
    efi: 'file' in efi ? efi.file : undefined,
  };
}

const placeOf = (file: LockedBootFile): string => ('file' in file ? file.file : 'layers');
