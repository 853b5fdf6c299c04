import { type BigIntStats, fstatSync, openSync, statSync } from 'node:fs';
import { assert, ImageError, type ImageErrorContext } from '../core/errors.ts';
import { sourceFailure } from './failure.ts';
import { type FileIdentity, identityOf, sameContentTimes, sameIdentity } from './identity.ts';
import type { Blob } from './layer.ts';
import { pread, preadSync } from './pread.ts';
import { SharedDescriptor } from './shared-descriptor.ts';

/** Opens what is at a path of the user. Throws ImageError `layer-not-found` and `layer-unreadable`. */
export function openFileBlob(path: string): { readonly blob: FileBlob; readonly stats: BigIntStats } {
  const context = { reference: path };
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw sourceFailure(error, context);
  }
  const stats = fstatSync(fd, { bigint: true });
  return { blob: new FileBlob(fd, identityOf(stats), context, path), stats };
}

/**
 * A tar in one open file. With `path` it is the user's own file, which has to stay the same in every respect; without
 * one it is a file of ours, decompressed, that others may link or unlink.
 */
export class FileBlob implements Blob {
  readonly sourceCount = 1;
  readonly #descriptor: SharedDescriptor;
  readonly #identity: FileIdentity;
  readonly #context: ImageErrorContext;
  readonly #path: string | undefined;
  #open = true;

  constructor(fd: number, identity: FileIdentity, context: ImageErrorContext, path?: string) {
    this.#descriptor = new SharedDescriptor(fd);
    this.#identity = identity;
    this.#context = context;
    this.#path = path;
  }

  readSync(position: number, target: Uint8Array): void {
    assert(this.#open, 'no blob is read after it was closed');
    let count: number;
    try {
      count = preadSync(this.#descriptor.fd, target, position);
    } catch (error) {
      throw sourceFailure(error, this.#context);
    }
    if (count < target.length) throw this.#shortRead(position, target.length, count);
  }

  async read(position: number, target: Uint8Array): Promise<void> {
    assert(this.#open, 'no blob is read after it was closed');
    let count: number;
    try {
      count = await this.#descriptor.during((fd) => pread(fd, target, position));
    } catch (error) {
      throw sourceFailure(error, this.#context);
    }
    if (count < target.length) throw this.#shortRead(position, target.length, count);
  }

  sourceAt(): number {
    return 0;
  }

  verifySource(): void {
    this.verifyUnchanged();
  }

  verifyUnchanged(): void {
    assert(this.#open, 'no blob is verified after it was closed');
    const now = identityOf(fstatSync(this.#descriptor.fd, { bigint: true }));
    const same =
      this.#path === undefined
        ? sameContentTimes(now, this.#identity)
        : sameIdentity(now, this.#identity) && this.#pathStillLeadsHere(this.#path);
    if (!same) throw new ImageError('layer-changed', 'the file changed after it was opened', this.#context);
  }

  close(): void {
    this.#open = false;
    this.#descriptor.release();
  }

  #pathStillLeadsHere(path: string): boolean {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stats !== undefined && sameIdentity(identityOf(stats), this.#identity);
  }

  #shortRead(position: number, expected: number, found: number): ImageError {
    const what = `the file became shorter: ${found} of ${expected} bytes are left at ${position}`;
    return new ImageError('layer-changed', what, this.#context);
  }
}
