import { hexOf } from '../core/bytes.ts';
import type { LockedBoot, LockedBootFile } from '../core/lock/disk.ts';
import type { BootFiles } from './boot-layer.ts';
import type { BootFile } from './boot-tree.ts';
import type { BootOptions } from './disk-options.ts';
import { sha256 } from './sha256.ts';

const PIECE_BYTES = 1024 * 1024;

/** What makes a disk boot, files of the host by their digests. Throws as reading these does. */
export function lockBoot({ release, kernel, initrd, efi }: BootFiles, boot: BootOptions): LockedBoot {
  const { loader = 'systemd-boot', cmdline, timeout = 0 } = boot;
  return {
    kernel: lockBootFile(kernel),
    ...(initrd === undefined ? {} : { initrd: lockBootFile(initrd) }),
    efi: lockBootFile(efi),
    release,
    loader,
    ...(cmdline === undefined ? {} : { cmdline }),
    timeout,
  };
}

function lockBootFile(file: BootFile): LockedBootFile {
  if ('layers' in file.place) return file.place;
  const hash = sha256();
  for (let done = 0; done < file.length; done += PIECE_BYTES) {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, file.length - done));
    file.readSync(done, piece);
    hash.update(piece);
  }
  return { ...file.place, digest: `sha256:${hexOf(hash.digest())}` };
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
