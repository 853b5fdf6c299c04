import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { FileTree } from '../core/guest/file-tree.ts';
import { ImageError } from '../core/errors.ts';
import { sourceFailure } from './failure.ts';

/** The files of a directory of this host. */
export class HostTree implements FileTree {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  names(path: string): readonly string[] | undefined {
    try {
      return readdirSync(join(this.root, path));
    } catch {
      return undefined;
    }
  }

  size(path: string): number | undefined {
    const stats = statSync(join(this.root, path), { throwIfNoEntry: false });
    return stats?.isFile() === true ? stats.size : undefined;
  }

  read(path: string, bytesMax: number): Uint8Array {
    return readHostFile(join(this.root, path), bytesMax);
  }
}

/** All bytes of a file. Throws `layer-not-found`, `layer-unreadable`, and `limit-exceeded` for one of more than `bytesMax` bytes. */
export function readHostFile(path: string, bytesMax: number): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size <= bytesMax) return readFileSync(path);
    throw new ImageError('limit-exceeded', `it has ${size} bytes, at most ${bytesMax} are read`, { reference: path });
  } catch (error) {
    throw sourceFailure(error, { reference: path });
  }
}
