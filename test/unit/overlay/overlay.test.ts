import { describe, expect, it } from 'vitest';
import { Overlay } from '../../../src/overlay/overlay.ts';
import { ScratchDelta } from '../../../src/overlay/scratch-delta.ts';
import { CrashFile } from '../../helpers/crash-file.ts';
import { memoryBase } from '../../helpers/overlay.ts';

const BLOCK = 4096;
const KEEP = { noHole: true, fast: false };
const FREE = { noHole: false, fast: false };

function overlayOf(size: number): { overlay: Overlay; file: CrashFile } {
  const file = new CrashFile(new Uint8Array(0));
  return { overlay: new Overlay(memoryBase(size), new ScratchDelta(size, file)), file };
}

describe('Overlay', () => {
  it('uses the room of blocks that were trimmed or zeroed again', () => {
    const { overlay, file } = overlayOf(100 * BLOCK);
    for (let round = 0; round < 20; round++) {
      overlay.write(0, Buffer.alloc(50 * BLOCK, round + 1));
      if (round % 2 === 0) overlay.trim(0, 50 * BLOCK);
      else void overlay.zero(0, 50 * BLOCK, FREE);
    }
    expect(file.bytes.length).toBe(52 * BLOCK);
  });

  it('writes zeros that are to be allocated, and refuses to do so fast', async () => {
    const { overlay, file } = overlayOf(10 * BLOCK);
    await overlay.zero(0, 2 * BLOCK, KEEP);
    expect(file.bytes.length).toBe(4 * BLOCK);
    expect([...overlay.extents(0, 2 * BLOCK, 1)]).toEqual([{ offset: 0, length: 2 * BLOCK, hole: false }]);
    await expect(overlay.zero(0, BLOCK, { noHole: true, fast: true })).rejects.toMatchObject({ code: 'ENOTSUP' });
  });

  it('allocates nothing for zeros in what is zero', () => {
    const { overlay, file } = overlayOf(10 * BLOCK);
    overlay.trim(0, 3 * BLOCK);
    overlay.trim(100, 5000);
    expect(file.bytes.length).toBe(0);
  });

  it('leaves the block and the room as they were when a write fails', () => {
    const { overlay, file } = overlayOf(10 * BLOCK);
    overlay.write(0, Buffer.alloc(BLOCK, 9));
    file.sizeMax = file.bytes.length;
    expect(() => overlay.write(BLOCK, Buffer.alloc(BLOCK, 9))).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    const block = Buffer.alloc(BLOCK);
    overlay.read(BLOCK, block);
    expect(block).toEqual(Buffer.alloc(BLOCK, 2));
    overlay.write(100, Buffer.alloc(10, 8));
    overlay.trim(0, BLOCK);
    overlay.write(BLOCK, Buffer.alloc(BLOCK, 7));
    overlay.read(BLOCK, block);
    expect(block).toEqual(Buffer.alloc(BLOCK, 7));
  });
});
