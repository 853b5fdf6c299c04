import { existsSync, statSync } from 'node:fs';
import { isElf } from './core/manifest/elf-notes.ts';
import { readSolo5Notes, type Solo5Notes } from './core/manifest/solo5-notes.ts';
import { openImageFile } from './image/file-image.ts';

/**
 * What a Solo5 unikernel says of itself: the devices it asks for, and the system it is linked for. Undefined for a file that is none. Throws
 * ImageError `manifest-invalid` where what it says is malformed, `layer-not-found` and `layer-unreadable`.
 */
export function readUnikernel(path: string): Solo5Notes | undefined {
  // What is there and no file could keep its reader waiting.
  if (existsSync(path) && !statSync(path).isFile()) return undefined;
  const device = openImageFile(path);
  try {
    return isElf(device) ? readSolo5Notes({ device, name: path }) : undefined;
  } finally {
    device.close();
  }
}
