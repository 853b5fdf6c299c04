import { randomBytes } from 'node:crypto';
import { closeSync, fdatasync, fstatSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deltaFailure } from './failure.ts';

const datasync = promisify(fdatasync);

/** What a delta is kept in. Positions and sizes are in bytes. Errors are the system's, with its `code`. */
export interface DeltaFile {
  /** When it was opened. */
  readonly size: number;
  /** Fills `target`; throws when the file ends before. */
  read(position: number, target: Uint8Array): void;
  write(position: number, source: Uint8Array): void;
  /** Everything written before is on the disk. */
  datasync(): Promise<void>;
  close(): void;
}

/**
 * A file of the host. It is read and written blocking: the page cache has it or takes it, which is several times as fast as
 * Node's thread pool.
 */
export class HostDeltaFile implements DeltaFile {
  readonly fd: number;
  readonly size: number;

  /** Takes over an open descriptor. */
  constructor(fd: number) {
    this.fd = fd;
    this.size = fstatSync(fd).size;
  }

  read(position: number, target: Uint8Array): void {
    for (let done = 0; done < target.length; ) {
      const count = readSync(this.fd, target, done, target.length - done, position + done);
      if (count === 0) throw new Error(`the delta ends at ${position + done}`);
      done += count;
    }
  }

  write(position: number, source: Uint8Array): void {
    for (let done = 0; done < source.length; ) {
      done += writeSync(this.fd, source, done, source.length - done, position + done);
    }
  }

  async datasync(): Promise<void> {
    await datasync(this.fd);
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** A new file in the directory for temporary files that has no name and is gone when it is closed. Throws `output-failed`. */
export function unlinkedFile(): HostDeltaFile {
  const path = join(tmpdir(), `blockloom-${randomBytes(8).toString('hex')}.delta`);
  try {
    const fd = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    return new HostDeltaFile(fd);
  } catch (error) {
    throw deltaFailure(path, error);
  }
}
