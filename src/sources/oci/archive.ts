import { byteString, utf8ByteString } from '../../core/bytes.ts';
import { ImageError } from '../../core/errors.ts';
import { EntryType } from '../../core/layer/entry.ts';
import { entryLinkPathBytes, entryPath, isSparse, type LayerIndex } from '../../core/layer/layer-index.ts';
import type { Blob } from '../layer.ts';
import type { Opening } from '../opening.ts';
import { openPath } from '../open-path.ts';
import { PartBlob } from '../part-blob.ts';
import type { BlobContent } from './content-source.ts';

/** More entries than this are no archive of images. */
const ENTRIES_MAX = 1_000_000;
/** How many links lead to a file of an archive at most. */
const LINKS_MAX = 8;

/** A tar of files that are read in place: an archive of images. It is open until it and all its parts are closed. */
export class Archive {
  readonly #index: LayerIndex;
  readonly #blob: Blob;
  readonly #entries = new Map<string, number>();
  readonly #key: string | undefined;
  #users = 1;

  private constructor(index: LayerIndex, blob: Blob, key: string | undefined) {
    this.#index = index;
    this.#blob = blob;
    this.#key = key;
    for (let entry = 0; entry < index.count; entry++) this.#entries.set(entryPath(index, entry), entry);
  }

  /** Opens the tar at a path; one that is compressed is decompressed first, as a layer would be. */
  static async open(path: string, opening: Opening): Promise<Archive> {
    const { index, blob, key, diffId } = await openPath(path, opening);
    if (index.count <= ENTRIES_MAX) return new Archive(index, blob, key ?? diffId);
    blob.close();
    throw new ImageError('limit-exceeded', `the archive has ${index.count} entries, at most ${ENTRIES_MAX}`);
  }

  has(path: string): boolean {
    return this.#entries.has(utf8ByteString(path));
  }

  /** The bytes of a file of at most `bytesMax`. Throws `layer-not-found` and `oci-invalid`. */
  async readFile(path: string, bytesMax: number): Promise<Uint8Array> {
    const { offset, size } = this.#locate(path);
    if (size > bytesMax) throw new ImageError('oci-invalid', `${path} has ${size} bytes, at most ${bytesMax} are read`);
    const bytes = new Uint8Array(size);
    await this.#blob.read(offset, bytes);
    return bytes;
  }

  /** A file as a part of the archive. Throws `layer-not-found`. */
  openFile(path: string): BlobContent {
    const { offset, size } = this.#locate(path);
    this.#users++;
    const blob = new PartBlob(this.#blob, 0, () => this.close());
    return { kind: 'part', blob, offset, size, key: this.#key };
  }

  close(): void {
    if (--this.#users === 0) this.#blob.close();
  }

  /** Follows links: older archives of Docker have a layer that images share once, and links to it. */
  #locate(path: string): { offset: number; size: number } {
    const index = this.#index;
    let name = utf8ByteString(path);
    for (let links = 0; links <= LINKS_MAX; links++) {
      const entry = this.#entries.get(name);
      if (entry === undefined) break;
      const type = index.type[entry];
      if (type === EntryType.file && !isSparse(index, entry)) {
        return { offset: index.dataOffset[entry]!, size: index.size[entry]! };
      }
      const target = byteString(entryLinkPathBytes(index, entry));
      if (type === EntryType.hardLink) name = target;
      else if (type === EntryType.symlink) name = resolved(name, target);
      else break;
    }
    throw new ImageError('layer-not-found', `the archive has no file ${JSON.stringify(path)}`);
  }
}

/** Where a symlink's text leads, inside the archive. */
function resolved(from: string, target: string): string {
  const parts = target.startsWith('/') ? [] : from.split('/').slice(0, -1);
  for (const part of target.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}
