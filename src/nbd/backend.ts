/** A stretch of an export, in bytes. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
  /** Not allocated. */
  readonly hole: boolean;
  /** Reads as zeros; when left out, as `hole` says. */
  readonly zero?: boolean;
}

/** How zeros are to be written. */
export interface ZeroOptions {
  /** Zeros must be allocated, so that later writes cannot fail for want of space. */
  readonly noHole: boolean;
  /** To be refused with the error code `ENOTSUP` unless faster than writing zeros. */
  readonly fast: boolean;
}

/**
 * What is served: a range of bytes. Every method may do its work at once or return a promise; the server never asks for
 * bytes past `size`. Offsets and lengths are in bytes. What a backend can do is what methods it has: without `write` it is
 * read-only. A failed operation throws; `code` of the error (`ENOSPC`, `EPERM`, `EINVAL`, …) reaches the client when the
 * protocol has it, anything else as an input/output error.
 */
export interface Backend {
  readonly size: number;
  /** Fills all of `target`. A promise may use `target` until it is settled. */
  read(offset: number, target: Uint8Array): void | Promise<void>;
  /** Writes all of `source`, which belongs to the backend until it returned or its promise is settled. */
  write?(offset: number, source: Uint8Array): void | Promise<void>;
  /** Makes a range read as zeros; without it zeros are written. */
  zero?(offset: number, length: number, options: ZeroOptions): void | Promise<void>;
  /** The content of a range is no longer needed. */
  trim?(offset: number, length: number): void | Promise<void>;
  /** Everything written before survives a crash; without it writes are taken to be durable at once. */
  flush?(): void | Promise<void>;
  /** A range will be read soon. */
  cache?(offset: number, length: number): void | Promise<void>;
  /**
   * What is hole and what is data from `offset` on, in order and without gap, at least one and not empty; may end before
   * `offset + length` and may go past it. Ends at multiples of `granularity` are preferred.
   */
  extents?(offset: number, length: number, granularity: number): Iterable<Extent> | Promise<Iterable<Extent>>;
  /** The last connection to a backend that was opened for it has ended. */
  close?(): void | Promise<void>;
}

/** A backend under a name. */
export interface Export {
  /** UTF-8, up to 4096 bytes, no NUL; the name '' is the default export. */
  readonly name: string;
  /** Shown to people by clients that list exports. */
  readonly description?: string;
  /** Shared by all connections, or opened once for each connection that has chosen the export and closed after it. */
  readonly backend: Backend | (() => Backend | Promise<Backend>);
  /** Not to be seen or used without TLS, where the server offers TLS without requiring it. */
  readonly tlsOnly?: boolean;
  /** The smallest unit clients may use, a power of two from 1 to 65536; 1 unless told. */
  readonly blockBytesMin?: number;
}
