import { createHash, type Hash, randomBytes } from 'node:crypto';
import { closeSync, fstatSync, ftruncateSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HASH_SIZE } from '../../core/verity/format.ts';
import { preadSync } from '../pread.ts';
import { makeFolder, prepareStaging, removeIfPresent } from './cache-directory.ts';
import { noteUse } from './last-used.ts';

/** The version of the files, and of how blocks of a layer are numbered. */
export const HASHES_VERSION = 1;

/** How much of a file is in memory, in bytes. */
const WINDOW_BYTES = 64 * 1024;
const PIECE_BYTES = 1024 * 1024;
const UNKNOWN = new Uint8Array(HASH_SIZE);

/**
 * The hashes of a layer's blocks, as far as an image had them, 32 bytes each, zeros for others. In the cache they are a file, at whose end
 * stands the SHA-256 of all; what is new is written to another, which takes its place.
 */
export class KeptHashes {
  readonly #path: string;
  readonly #size: number;
  readonly #cache: string;
  readonly #window = Buffer.alloc(WINDOW_BYTES);
  /** Where the window lies in the file; none at first. */
  #windowAt = -1;
  #isChanged = false;
  /** The file in the cache, and the one that is written. */
  #kept: number | undefined;
  #staged: { readonly fd: number; readonly path: string } | undefined;

  /** Of `count` blocks of the layer of that name. Throws the system's errors. */
  constructor(cache: string, layer: string, salt: Uint8Array, count: number) {
    this.#cache = cache;
    this.#size = count * HASH_SIZE;
    const saltName = createHash('sha256').update(salt).digest('hex');
    this.#path = join(cache, 'verity', `v${HASHES_VERSION}`, saltName, layer);
    this.#kept = openSound(this.#path, this.#size);
  }

  /** Copies the hash of a block to `at` of `target`; false where it is not known. */
  get(block: number, target: Uint8Array, at: number): boolean {
    if (this.#kept === undefined && this.#staged === undefined) return false;
    const from = this.#seek(block);
    if (this.#window.compare(UNKNOWN, 0, HASH_SIZE, from, from + HASH_SIZE) === 0) return false;
    this.#window.copy(target, at, from, from + HASH_SIZE);
    return true;
  }

  /** Keeps what stands at `at` of `source` as the hash of a block. */
  set(block: number, source: Uint8Array, at: number): void {
    this.#staged ??= this.#stage();
    this.#window.set(source.subarray(at, at + HASH_SIZE), this.#seek(block));
    this.#isChanged = true;
  }

  /** Puts what was set into the cache. */
  save(): void {
    if (this.#staged === undefined) return;
    const { fd, path } = this.#staged;
    this.#writeBack();
    writeAll(fd, digestOf(fd, this.#size), this.#size);
    makeFolder(dirname(this.#path));
    renameSync(path, this.#path);
  }

  /** Gives back the files; what was not saved is gone. */
  close(): void {
    if (this.#kept !== undefined) closeSync(this.#kept);
    this.#kept = undefined;
    if (this.#staged === undefined) return;
    closeSync(this.#staged.fd);
    removeIfPresent(this.#staged.path);
    this.#staged = undefined;
  }

  /** Moves the window to a block; returns where it is in it. */
  #seek(block: number): number {
    const offset = block * HASH_SIZE;
    const at = Math.floor(offset / WINDOW_BYTES) * WINDOW_BYTES;
    if (at !== this.#windowAt) {
      this.#writeBack();
      this.#windowAt = at;
      const part = this.#window.subarray(0, Math.min(WINDOW_BYTES, this.#size - at));
      part.fill(0);
      const fd = this.#staged?.fd ?? this.#kept;
      if (fd !== undefined) preadSync(fd, part, at);
    }
    return offset - at;
  }

  #writeBack(): void {
    if (!this.#isChanged || this.#staged === undefined) return;
    const part = this.#window.subarray(0, Math.min(WINDOW_BYTES, this.#size - this.#windowAt));
    writeAll(this.#staged.fd, part, this.#windowAt);
    this.#isChanged = false;
  }

  /** A new file with what is kept. */
  #stage(): { readonly fd: number; readonly path: string } {
    const path = join(prepareStaging(this.#cache), randomBytes(16).toString('hex'));
    const fd = openSync(path, 'wx+', 0o600);
    try {
      ftruncateSync(fd, this.#size);
      const piece = Buffer.alloc(Math.min(PIECE_BYTES, this.#size));
      for (let at = 0; this.#kept !== undefined && at < this.#size; at += piece.length) {
        const part = piece.subarray(0, Math.min(piece.length, this.#size - at));
        preadSync(this.#kept, part, at);
        writeAll(fd, part, at);
      }
      return { fd, path };
    } catch (error) {
      closeSync(fd);
      removeIfPresent(path);
      throw error;
    }
  }
}

/** Whether a file of hashes has the digest that stands at its end. Throws the system's errors. */
export function areHashesSound(path: string): boolean {
  const fd = openSync(path, 'r');
  try {
    const size = fstatSync(fd).size - HASH_SIZE;
    return size >= 0 && hasDigest(fd, size);
  } finally {
    closeSync(fd);
  }
}

/** Opens the file of hashes, `size` bytes of them; undefined when there is none, or another, or it is damaged. */
function openSound(path: string, size: number): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    if (fstatSync(fd).size === size + HASH_SIZE && hasDigest(fd, size)) {
      noteUse(path);
      return fd;
    }
  } catch {
    // As good as none.
  }
  closeSync(fd);
  return undefined;
}

function hasDigest(fd: number, size: number): boolean {
  const found = Buffer.alloc(HASH_SIZE);
  preadSync(fd, found, size);
  return digestOf(fd, size).equals(found);
}

function digestOf(fd: number, size: number): Buffer {
  const hash: Hash = createHash('sha256');
  const piece = Buffer.alloc(Math.min(PIECE_BYTES, size));
  for (let at = 0; at < size; at += piece.length) {
    const part = piece.subarray(0, Math.min(piece.length, size - at));
    preadSync(fd, part, at);
    hash.update(part);
  }
  return hash.digest();
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let written = 0; written < bytes.length; )
    written += writeSync(fd, bytes, written, bytes.length - written, position + written);
}
