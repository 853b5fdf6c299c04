import type { DeltaFile } from '../../src/overlay/delta-file.ts';

/** What a disk writes whole or not at all, in bytes. */
export const SECTOR_BYTES = 512;

interface Write {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** Bytes that grow. */
class Growing {
  #memory = Buffer.alloc(0);
  #length = 0;

  constructor(content: Uint8Array) {
    this.write({ position: 0, bytes: content });
  }

  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }

  write({ position, bytes }: Write): void {
    this.#length = Math.max(this.#length, position + bytes.length);
    if (this.#length > this.#memory.length) this.#memory = Buffer.concat([this.#memory], 2 * this.#length);
    this.#memory.set(bytes, position);
  }
}

/** What writing fails with where a process is killed. */
export class Killed extends Error {}

/**
 * A file in memory of which a power loss leaves what was synced, and of the rest what chance decides, sector by sector. A
 * killed process leaves what it wrote, not yet synced.
 */
export class CrashFile implements DeltaFile {
  readonly size: number;
  readonly #now: Growing;
  readonly #durable: Growing;
  readonly #unsynced: Write[];
  /** The process is killed before it writes once more than that. */
  writesMax = Number.POSITIVE_INFINITY;
  /** The file cannot grow past this, in bytes. */
  sizeMax = Number.POSITIVE_INFINITY;
  /** Awaited by each sync before it is done; may throw. */
  onSync: () => Promise<void> | void = () => undefined;

  constructor(content: Uint8Array, durable = content, unsynced: readonly Write[] = []) {
    this.size = content.length;
    this.#now = new Growing(content);
    this.#durable = new Growing(durable);
    this.#unsynced = [...unsynced];
  }

  get bytes(): Buffer {
    return this.#now.bytes;
  }

  read(position: number, target: Uint8Array): void {
    if (position + target.length > this.bytes.length)
      throw new Error(`the file ends before ${position + target.length}`);
    this.bytes.copy(target, 0, position);
  }

  write(position: number, source: Uint8Array): void {
    const end = position + source.length;
    if (this.writesMax-- <= 0) throw new Killed();
    if (end > this.bytes.length && end > this.sizeMax) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    this.#now.write({ position, bytes: source });
    // Sectors leave the page cache as they are then, with what earlier writes have left in them.
    for (let at = position - (position % SECTOR_BYTES); at < end; at += SECTOR_BYTES) {
      this.#unsynced.push({ position: at, bytes: Uint8Array.from(this.bytes.subarray(at, at + SECTOR_BYTES)) });
    }
  }

  async datasync(): Promise<void> {
    const count = this.#unsynced.length;
    await this.onSync();
    for (const write of this.#unsynced.splice(0, count)) this.#durable.write(write);
  }

  close(): void {}

  /** The file as the next process finds it when this one is killed now. */
  afterKill(): CrashFile {
    return new CrashFile(this.bytes, this.#durable.bytes, this.#unsynced);
  }

  /** What is on the disk after a power loss now; each write that was not synced is there when `chance` says so. */
  afterPowerLoss(chance: () => boolean): Buffer {
    const left = new Growing(this.#durable.bytes);
    for (const write of this.#unsynced.filter(chance)) left.write(write);
    return left.bytes;
  }
}
