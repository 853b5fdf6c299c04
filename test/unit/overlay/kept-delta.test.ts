import { describe, expect, it } from 'vitest';
import { readDelta } from '../../../src/overlay/delta-reader.ts';
import { Overlay } from '../../../src/overlay/overlay.ts';
import { CrashFile } from '../../helpers/crash-file.ts';
import { bootOf, deltaBaseOf, emptyDelta, memoryBase, resume } from '../../helpers/overlay.ts';

const BLOCK = 4096;
const BLOCKS = 2000;
const base = memoryBase(BLOCKS * BLOCK);

describe('KeptDelta', () => {
  it('can flush all that was written before the disk was full', async () => {
    const file = emptyDelta(base.size);
    const overlay = new Overlay(base, await resume(file, base.size));
    file.sizeMax = 800 * BLOCK;
    let written = 0;
    // Every other block, so that each takes a record of the map.
    const write = (): void => {
      for (; written < BLOCKS / 2; written++) overlay.write(written * 2 * BLOCK, Buffer.alloc(BLOCK, 201));
    };
    expect(write).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    expect(written).toBeGreaterThan(700);
    await overlay.flush();
    const left = new Overlay(base, await resume(new CrashFile(file.afterPowerLoss(() => false)), base.size));
    const block = Buffer.alloc(BLOCK);
    for (let i = 0; i < written; i++) {
      left.read(i * 2 * BLOCK, block);
      expect(block[17]).toBe(201);
    }
  });

  it('has room to trim and flush on a full disk after every flush, also where the map began anew', async () => {
    let begun = 0;
    for (let records = 0; records < 2500; records += 61) {
      const file = emptyDelta(base.size);
      const overlay = new Overlay(base, await resume(file, base.size));
      for (let i = 0; i < records; i++) overlay.trim(BLOCK, BLOCK);
      overlay.write(0, Buffer.alloc(BLOCK, 201));
      file.onSync = () => {
        file.onSync = () => undefined;
        file.sizeMax = file.bytes.length;
        overlay.trim(1000 * BLOCK, BLOCK);
      };
      await overlay.flush();
      await overlay.flush();
      overlay.trim(1002 * BLOCK, BLOCK);
      await overlay.flush();
      const left = new CrashFile(file.afterPowerLoss(() => false));
      const { map, records: kept } = readDelta(left, deltaBaseOf(base.size), 'a.delta', bootOf(2));
      expect([1, 1000, 1002].map((block) => map.get(block))).toEqual([records === 0 ? 0 : 1, 1, 1]);
      if (kept < records) begun++;
    }
    expect(begun).toBeGreaterThan(5);
  });

  it('has what was answered and not flushed when it is killed, in the same boot only', async () => {
    const file = emptyDelta(base.size);
    const overlay = new Overlay(base, await resume(file, base.size));
    const block = Buffer.alloc(BLOCK, 201);
    overlay.write(0, block);
    await overlay.flush();
    overlay.write(BLOCK, block);
    const isThere = async (from: CrashFile, boot: number): Promise<boolean[]> => {
      const left = new Overlay(base, await resume(from, base.size, boot));
      return [0, BLOCK].map((offset) => {
        const found = Buffer.alloc(BLOCK);
        left.read(offset, found);
        return found.equals(block);
      });
    };
    expect(await isThere(file.afterKill(), 1)).toEqual([true, true]);
    expect(await isThere(new CrashFile(file.afterPowerLoss(() => true)), 2)).toEqual([true, false]);
  });

  it('flushes what waits with one more sync of data and of the map, however many ask for it', async () => {
    const file = emptyDelta(base.size);
    const overlay = new Overlay(base, await resume(file, base.size));
    let syncs = 0;
    file.onSync = () => void syncs++;
    overlay.write(0, Buffer.alloc(BLOCK, 1));
    await Promise.all(Array.from({ length: 10 }, async () => overlay.flush()));
    expect(syncs).toBe(2);
  });

  it('never says again that data is safe once syncing has failed', async () => {
    const file = emptyDelta(base.size);
    const overlay = new Overlay(base, await resume(file, base.size));
    overlay.write(0, Buffer.alloc(BLOCK, 1));
    file.onSync = () => {
      throw Object.assign(new Error('the disk is broken'), { code: 'EIO' });
    };
    await expect(overlay.flush()).rejects.toThrow('the disk is broken');
    file.onSync = () => undefined;
    await expect(overlay.flush()).rejects.toThrow('the disk is broken');
    const { map } = readDelta(new CrashFile(file.bytes), deltaBaseOf(base.size), 'a.delta', bootOf(1));
    expect(map.get(0)).toBe(0);
  });

  it('commits on its own when clients never flush', async () => {
    const file = emptyDelta(base.size);
    const overlay = new Overlay(base, await resume(file, base.size));
    let syncs = 0;
    file.onSync = () => void syncs++;
    for (let i = 0; i < 70_000; i++) overlay.trim(((i * 2) % BLOCKS) * BLOCK, BLOCK);
    await new Promise((resolve) => setImmediate(resolve));
    expect(syncs).toBe(2);
    const left = new Overlay(base, await resume(new CrashFile(file.afterPowerLoss(() => false)), base.size));
    expect([...left.extents(0, BLOCK, 1)]).toEqual([{ offset: 0, length: BLOCK, hole: true }]);
  });

  it('closes the file though it cannot flush', async () => {
    const file = emptyDelta(base.size);
    const delta = await resume(file, base.size);
    let closed = 0;
    file.close = () => closed++;
    file.onSync = () => {
      throw new Error('the disk is broken');
    };
    await expect(delta.close()).rejects.toThrow('the disk is broken');
    expect(closed).toBe(1);
  });
});
