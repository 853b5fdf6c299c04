import { closeSync, existsSync, openSync, renameSync, writeSync } from 'node:fs';
import { utf8ByteString } from '../../src/core/bytes.ts';
import { type DataSegment, EntryType, type Xattr } from '../../src/core/layer/entry.ts';
import { sparseMap, TAR_END, tarHeader } from '../../src/core/tar/write-header.ts';

/** What a member may have besides its name and type. */
interface Extras {
  readonly body?: Uint8Array;
  readonly linkName?: string;
  readonly xattrs?: readonly Xattr[];
  /** How often the body stands in the file. */
  readonly copies?: number;
  /** Where a sparse file has bytes, and its size; `body` stands at each of the segments. */
  readonly segments?: readonly DataSegment[];
  readonly size?: number;
}

const BUFFER_BYTES = 8 * 2 ** 20;
const BLOCK_BYTES = 512;
const NO_BODY = new Uint8Array(0);
const PADDING = new Uint8Array(BLOCK_BYTES);

/** Writes the tar at `path` with `fill`, unless it is there already; returns the path. */
export function tarFile(path: string, fill: (tar: TarFile) => void): string {
  if (existsSync(path)) return path;
  const tar = new TarFile(`${path}.part`);
  fill(tar);
  tar.end();
  renameSync(`${path}.part`, path);
  return path;
}

/** A tar that is written member by member: a million of them in seconds. */
export class TarFile {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #length = 0;

  constructor(path: string) {
    this.#fd = openSync(path, 'w');
  }

  directory(name: string): void {
    this.#member(EntryType.directory, `${name}/`);
  }

  file(name: string, extras: Extras = {}): void {
    this.#member(EntryType.file, name, extras);
  }

  hardLink(name: string, linkName: string): void {
    this.#member(EntryType.hardLink, name, { linkName });
  }

  #member(type: EntryType, name: string, extras: Extras = {}): void {
    const { body = NO_BODY, segments, size } = extras;
    const map = segments === undefined || size === undefined ? NO_BODY : sparseMap(segments, size);
    const copies = segments?.length ?? extras.copies ?? 1;
    const storedSize = map.length + copies * body.length;
    this.#put(
      tarHeader({
        type,
        name: utf8ByteString(name),
        linkName: utf8ByteString(extras.linkName ?? ''),
        mode: type === EntryType.directory ? 0o755 : 0o644,
        uid: 0,
        gid: 0,
        mtimeSeconds: 0,
        mtimeNanoseconds: 0,
        deviceMajor: 0,
        deviceMinor: 0,
        xattrs: extras.xattrs ?? [],
        storedSize,
        sparseSize: size,
      }),
    );
    this.#put(map);
    for (let i = 0; i < copies; i++) this.#put(body);
    this.#put(PADDING.subarray(0, -storedSize & (BLOCK_BYTES - 1)));
  }

  end(): void {
    this.#put(TAR_END);
    this.#flush();
    closeSync(this.#fd);
  }

  #put(bytes: Uint8Array): void {
    if (this.#length + bytes.length > BUFFER_BYTES) this.#flush();
    if (bytes.length > BUFFER_BYTES) return this.#write(bytes);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #flush(): void {
    this.#write(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
  }

  #write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done);
  }
}
