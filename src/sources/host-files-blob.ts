import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
import { displayName } from '../core/bytes.ts';
import { assert, ImageError, type ImageErrorContext } from '../core/errors.ts';
import { entryPath, type LayerIndex } from '../core/layer/layer-index.ts';
import { errnoOf, sourceFailure } from './failure.ts';
import { identityOf, sameIdentity } from './identity.ts';
import type { Blob } from './layer.ts';
import { pread, preadSync } from './pread.ts';
import { SharedDescriptor } from './shared-descriptor.ts';
import type { FileTable } from './file-table.ts';

/** How many files are kept open for reading; the one unused for longest is closed for another. */
const OPEN_FILES_MAX = 64;

/** A read this short, in bytes, is not worth another thread: the file was opened on this one a moment ago. */
const SYNC_READ_MAX = 64 * 1024;

/** A fifo put in a file's place must not block, a symlink not lead elsewhere. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Files of the host one after another, read from the files themselves: those of a directory, or some that were named. */
export class HostFilesBlob implements Blob {
  readonly #pathOf: (entry: number) => Buffer | string;
  readonly #index: LayerIndex;
  readonly #files: FileTable;
  readonly #context: ImageErrorContext;
  /** The open files by number, the one used last at the end. */
  readonly #opened = new Map<number, SharedDescriptor>();
  #open = true;

  /** `pathOf` tells where the file of an entry of `index` is on the host. */
  constructor(
    pathOf: (entry: number) => Buffer | string,
    index: LayerIndex,
    files: FileTable,
    context: ImageErrorContext,
  ) {
    this.#pathOf = pathOf;
    this.#index = index;
    this.#files = files;
    this.#context = context;
  }

  readSync(position: number, target: Uint8Array): void {
    assert(this.#open, 'no blob is read after it was closed');
    for (const { file, offset, part } of this.#parts(position, target)) {
      const { fd } = this.#descriptorOf(file);
      let count: number;
      try {
        count = preadSync(fd, part, offset);
      } catch (error) {
        throw sourceFailure(error, this.#placeOf(file));
      }
      if (count < part.length) throw this.#changed(file);
    }
  }

  async read(position: number, target: Uint8Array): Promise<void> {
    assert(this.#open, 'no blob is read after it was closed');
    try {
      for (const { file, offset, part } of this.#parts(position, target)) await this.#readPart(file, offset, part);
    } finally {
      if (!this.#open) this.#closeFiles();
    }
  }

  get sourceCount(): number {
    return this.#files.count;
  }

  sourceAt(position: number): number {
    return this.#files.find(position);
  }

  verifySource(file: number): void {
    assert(this.#open, 'no blob is verified after it was closed');
    const stats = lstatSync(this.#hostPath(file), { bigint: true, throwIfNoEntry: false });
    if (stats === undefined || !sameIdentity(identityOf(stats), this.#files.identityOf(file)))
      throw this.#changed(file);
  }

  verifyUnchanged(): void {
    for (let file = 0; file < this.#files.count; file++) this.verifySource(file);
  }

  close(): void {
    this.#open = false;
    this.#closeFiles();
  }

  /** Also what a read under way opened after the blob was closed. */
  #closeFiles(): void {
    for (const descriptor of this.#opened.values()) descriptor.release();
    this.#opened.clear();
  }

  async #readPart(file: number, offset: number, part: Uint8Array): Promise<void> {
    let count: number;
    try {
      const descriptor = this.#descriptorOf(file);
      if (part.length <= SYNC_READ_MAX) count = preadSync(descriptor.fd, part, offset);
      else count = await descriptor.during((fd) => pread(fd, part, offset));
    } catch (error) {
      throw sourceFailure(error, this.#placeOf(file));
    }
    if (count < part.length) throw this.#changed(file);
  }

  /** The pieces of `target` that one file each fills. */
  *#parts(position: number, target: Uint8Array): Generator<{ file: number; offset: number; part: Uint8Array }> {
    let filled = 0;
    if (target.length === 0) return;
    for (let file = this.#files.find(position); filled < target.length; file++) {
      assert(file < this.#files.count, 'a read of files ends in one of them');
      const offset = position + filled - this.#files.startOf(file);
      const part = target.subarray(filled, filled + this.#files.sizeOf(file) - offset);
      yield { file, offset, part };
      filled += part.length;
    }
  }

  #descriptorOf(file: number): SharedDescriptor {
    let descriptor = this.#opened.get(file);
    if (descriptor === undefined) {
      this.#makeRoom();
      descriptor = new SharedDescriptor(this.#openUnchanged(file));
    } else {
      this.#opened.delete(file);
    }
    this.#opened.set(file, descriptor);
    return descriptor;
  }

  #makeRoom(): void {
    if (this.#opened.size < OPEN_FILES_MAX) return;
    for (const [oldest, descriptor] of this.#opened) {
      this.#opened.delete(oldest);
      descriptor.release();
      return;
    }
  }

  #openUnchanged(file: number): number {
    let fd: number;
    try {
      fd = openSync(this.#hostPath(file), OPEN_FLAGS);
    } catch (error) {
      const errno = errnoOf(error);
      const replaced = errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'ELOOP' || errno === 'ENXIO';
      throw replaced ? this.#changed(file) : sourceFailure(error, this.#placeOf(file));
    }
    if (sameIdentity(identityOf(fstatSync(fd, { bigint: true })), this.#files.identityOf(file))) return fd;
    closeSync(fd);
    throw this.#changed(file);
  }

  #hostPath(file: number): Buffer | string {
    return this.#pathOf(this.#files.entryOf(file));
  }

  #placeOf(file: number): ImageErrorContext {
    return { ...this.#context, path: displayName(entryPath(this.#index, this.#files.entryOf(file))) };
  }

  #changed(file: number): ImageError {
    return new ImageError('layer-changed', 'the file changed after the layer was opened', this.#placeOf(file));
  }
}
