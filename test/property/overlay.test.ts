import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Overlay } from '../../src/overlay/overlay.ts';
import { ScratchDelta } from '../../src/overlay/scratch-delta.ts';
import { CrashFile, Killed, SECTOR_BYTES } from '../helpers/crash-file.ts';
import { emptyDelta, memoryBase, resume } from '../helpers/overlay.ts';
import { random } from '../helpers/random.ts';

const BLOCK = 4096;
/** Histories with crashes; BLOCKLOOM_CRASH_RUNS asks for more. */
const RUNS = Number(process.env['BLOCKLOOM_CRASH_RUNS'] ?? 25);
/** Some blocks and a part of one. */
const SIZE = 40 * BLOCK + 1536;

const range = fc
  .tuple(fc.nat(SIZE - 1), fc.oneof(fc.nat(3 * BLOCK), fc.constantFrom(BLOCK, 8 * BLOCK, SIZE)), fc.boolean())
  .map(([offset, length, isAligned]) => {
    const start = isAligned ? offset - (offset % BLOCK) : offset;
    return { start, end: Math.min(start + length, SIZE) };
  });
const operation = fc.record({
  range,
  what: fc.constantFrom('write', 'write', 'zero', 'zero without hole', 'trim', 'flush', 'reopen'),
  fill: fc.integer({ min: 1, max: 255 }),
});

/** Does the same to an overlay and to bytes. */
async function apply(
  overlay: Overlay,
  model: Buffer,
  what: string,
  { start, end }: Range,
  fill: number,
): Promise<void> {
  if (what === 'write') {
    model.fill(fill, start, end);
    overlay.write(start, model.subarray(start, end));
    return;
  }
  model.fill(0, start, end);
  if (what === 'trim') overlay.trim(start, end - start);
  else await overlay.zero(start, end - start, { noHole: what === 'zero without hole', fast: false });
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function contentOf(overlay: Overlay): Buffer {
  const bytes = Buffer.alloc(overlay.size, 0xee);
  overlay.read(0, bytes);
  return bytes;
}

/** Holes are zeros, and extents are in order, without gap and merged. */
function checkExtents(overlay: Overlay, model: Buffer, { start, end }: Range, granularity: number): void {
  let at = start;
  let lastHole: boolean | undefined;
  for (const { offset, length, hole } of overlay.extents(start, end - start, granularity)) {
    expect(offset).toBe(at);
    expect(length).toBeGreaterThan(0);
    expect(hole).not.toBe(lastHole);
    const isZero = model.subarray(offset, offset + length).every((byte) => byte === 0);
    const isAligned = offset === start || offset % granularity === 0;
    expect(!hole || (isZero && isAligned)).toBe(true);
    at += length;
    lastHole = hole;
  }
  expect(at).toBe(end);
}

describe('an overlay', () => {
  it.each(['thrown away', 'kept'])('that is %s reads as what was written to it', async (kind) => {
    const base = memoryBase(SIZE);
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 30 }), range, async (operations, asked) => {
        const isKept = kind === 'kept';
        let file = isKept ? emptyDelta(SIZE) : new CrashFile(new Uint8Array(0));
        let overlay = new Overlay(base, isKept ? await resume(file, SIZE) : new ScratchDelta(SIZE, file));
        const model = Buffer.from(base.bytes);
        for (const { what, range: where, fill } of operations) {
          if (what === 'flush') await overlay.flush();
          else if (what === 'reopen') {
            if (!isKept) continue;
            await overlay.close();
            file = new CrashFile(file.bytes);
            overlay = new Overlay(base, await resume(file, SIZE));
          } else await apply(overlay, model, what, where, fill);
        }
        expect(contentOf(overlay).equals(model)).toBe(true);
        const part = Buffer.alloc(asked.end - asked.start);
        overlay.read(asked.start, part);
        expect(part.equals(model.subarray(asked.start, asked.end))).toBe(true);
        for (const granularity of [1, 4096, 65_536]) checkExtents(overlay, model, asked, granularity);
      }),
      { numRuns: 150 },
    );
  });
});

/** What each sector may hold after a crash: what it did at a time, as the last answered flush, or anything since. */
class CrashModel {
  readonly now: Buffer;
  /** By sector, the contents since then, the oldest first. */
  readonly #versions = new Map<number, { readonly time: number; readonly bytes: Buffer }[]>();
  #time = 0;
  #answered = 0;
  #settled = 0;

  constructor(content: Buffer) {
    this.now = Buffer.from(content);
  }

  get time(): number {
    return this.#time;
  }

  /** The time of the last change that was answered. */
  get answered(): number {
    return this.#answered;
  }

  /** What a range holds now. */
  put(bytes: Uint8Array, start: number): void {
    const first = Math.floor(start / SECTOR_BYTES);
    const last = Math.ceil((start + bytes.length) / SECTOR_BYTES);
    for (let sector = first; sector < last; sector++) {
      if (!this.#versions.has(sector)) this.#versions.set(sector, [{ time: -1, bytes: this.#sector(sector) }]);
    }
    this.#answered = ++this.#time;
    this.now.set(bytes, start);
    for (let sector = first; sector < last; sector++) {
      this.#versions.get(sector)!.push({ time: this.#time, bytes: this.#sector(sector) });
    }
  }

  /** What a range may hold, without an answer that says so. */
  putUnanswered(bytes: Uint8Array, start: number): void {
    const { answered } = this;
    this.put(bytes, start);
    this.#answered = answered;
  }

  /** What was done up to `time` survives from now on. */
  settle(time: number): void {
    this.#settled = Math.max(this.#settled, time);
  }

  /** The first sector whose content is none that may be there. */
  wrongSector(content: Buffer): number | undefined {
    for (let sector = 0; sector * SECTOR_BYTES < content.length; sector++) {
      const found = content.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
      const versions = this.#versions.get(sector) ?? [{ time: -1, bytes: this.#sector(sector) }];
      const settled = versions.findLastIndex(({ time }) => time <= this.#settled);
      if (!versions.slice(settled).some(({ bytes }) => bytes.equals(found))) return sector;
    }
    return undefined;
  }

  #sector(sector: number): Buffer {
    return Buffer.from(this.now.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES));
  }
}

/** More blocks than a page of the map has records. */
const CRASH_SIZE = 720 * BLOCK;

/** One random change, small or scattered over many blocks. */
function change(overlay: Overlay, model: CrashModel, pick: (below: number) => number): void {
  const isZero = pick(3) === 0;
  const value = isZero ? 0 : 1 + pick(255);
  const one = (start: number, end: number): void => {
    const bytes = Buffer.alloc(end - start, value);
    try {
      if (isZero) overlay.trim(start, bytes.length);
      else overlay.write(start, bytes);
    } catch (error) {
      // Some of it may have been written.
      if (error instanceof Killed) {
        model.putUnanswered(bytes, start);
        throw error;
      }
      expect(error).toMatchObject({ code: 'ENOSPC' });
      overlay.read(start, bytes);
    }
    model.put(bytes, start);
  };
  if (pick(5) === 0) {
    const stride = 2 + pick(8);
    for (let block = pick(stride); block < CRASH_SIZE / BLOCK; block += stride) one(block * BLOCK, (block + 1) * BLOCK);
    return;
  }
  const start = pick(CRASH_SIZE / SECTOR_BYTES) * SECTOR_BYTES + pick(2) * pick(SECTOR_BYTES);
  one(start, Math.min(start + [100, BLOCK, 3 * BLOCK, 20 * BLOCK][pick(4)]!, CRASH_SIZE));
}

/** Changes, and flushes of which not all are awaited, until any moment. Returns what is there then. */
async function untilCrash(
  disk: Disk,
  overlay: Overlay,
  model: CrashModel,
  isPowerLoss: boolean,
  pick: (below: number) => number,
): Promise<Disk> {
  const { file } = disk;
  file.onSync = async () => {
    for (let turns = pick(4); turns > 0; turns--) await Promise.resolve();
  };
  if (pick(3) === 0) file.sizeMax = file.bytes.length + pick(200) * BLOCK;
  if (pick(2) === 0) file.writesMax = pick(2000);
  let isCrashed = false;
  try {
    for (let step = pick(120); step > 0; step--) {
      change(overlay, model, pick);
      if (pick(2) === 0) {
        const { time } = model;
        const flushed = Promise.resolve(overlay.flush()).then(() => isCrashed || model.settle(time), unlessKilled);
        if (pick(3) > 0) await flushed;
      }
      for (let turns = pick(5); turns > 0; turns--) await Promise.resolve();
    }
  } catch (error) {
    unlessKilled(error);
  }
  isCrashed = true;
  return crashed(disk, isPowerLoss, pick);
}

function unlessKilled(error: unknown): void {
  if (!(error instanceof Killed)) throw error;
}

/** A file, and the boot of the machine in which it is. */
interface Disk {
  readonly file: CrashFile;
  readonly boot: number;
}

/** What is there after a power loss, or after a kill. */
function crashed({ file, boot }: Disk, isPowerLoss: boolean, pick: (below: number) => number): Disk {
  if (!isPowerLoss) return { file: file.afterKill(), boot };
  const inOrder = pick(3);
  return { file: new CrashFile(file.afterPowerLoss(() => inOrder === 0 || pick(2) === 0)), boot: boot + 1 };
}

/** Opens a delta and lets that end at one of its syncs. */
async function crashedWhileOpened(disk: Disk, isPowerLoss: boolean, pick: (below: number) => number): Promise<Disk> {
  let left: Disk | undefined;
  let syncs = pick(6);
  disk.file.onSync = () => {
    if (syncs-- === 0) left = crashed(disk, isPowerLoss, pick);
  };
  await resume(disk.file, CRASH_SIZE, disk.boot);
  return left ?? crashed(disk, isPowerLoss, pick);
}

describe('a delta that is kept', () => {
  it('has all that was flushed after a power loss, all that was answered after a kill, and nothing else', async () => {
    const base = memoryBase(CRASH_SIZE);
    for (let seed = 1; seed <= RUNS; seed++) {
      const pick = random(seed);
      let disk: Disk = { file: emptyDelta(CRASH_SIZE), boot: 1 };
      let content = base.bytes;
      for (let crash = 0; crash < 4; crash++) {
        const overlay = new Overlay(base, await resume(disk.file, CRASH_SIZE, disk.boot));
        const model = new CrashModel(content);
        const isPowerLoss = [pick(2) === 0, pick(2) === 0] as const;
        disk = await untilCrash(disk, overlay, model, isPowerLoss[0], pick);
        if (!isPowerLoss.includes(true)) model.settle(model.answered);
        disk = await crashedWhileOpened(disk, isPowerLoss[1], pick);
        const found = new Overlay(base, await resume(disk.file.afterKill(), CRASH_SIZE, disk.boot));
        content = contentOf(found);
        expect({ seed, crash, wrong: model.wrongSector(content) }).toEqual({ seed, crash, wrong: undefined });
      }
    }
  });

  it('stays as short as what it holds, however often it is flushed', async () => {
    const base = memoryBase(SIZE);
    const file = emptyDelta(SIZE);
    const overlay = new Overlay(base, await resume(file, SIZE));
    for (let round = 0; round < 2000; round++) {
      overlay.write((round % 10) * BLOCK, Buffer.alloc(BLOCK, 1));
      await overlay.flush();
      overlay.trim(0, SIZE);
      await overlay.flush();
    }
    // Blocks, pages of two chains, and units that are not free until the next flush.
    expect(file.bytes.length).toBeLessThan(300 * BLOCK);
  });
});
