import { describe, expect, it } from 'vitest';
import { giveFrame, takeFrame } from '../../../../src/nbd/transmission/frames.ts';

// Compared by identity here: what compares content takes minutes over so much of it.
describe('frames', () => {
  it('are as long as asked for, and little longer', () => {
    for (const length of [1, 512, 65_536, 66_048, 66_049, 131_072, 1 << 20, 32 << 20]) {
      const { bytes, view } = takeFrame(length);
      expect(bytes.length).toBeGreaterThanOrEqual(length);
      expect(bytes.length).toBeLessThanOrEqual(length + 66_048);
      expect(view.buffer === bytes.buffer).toBe(true);
    }
  });

  it('are used again, and by one at a time', () => {
    const first = takeFrame(100_000);
    giveFrame(first);
    const again = takeFrame(100_000);
    expect(again === first).toBe(true);
    expect(takeFrame(100_000) === first).toBe(false);
  });

  it('are not kept without bound', () => {
    const frames = Array.from({ length: 100 }, (_, i) => takeFrame(100_000 + i * 65_536));
    for (const frame of frames) giveFrame(frame);
    const kept = frames.filter((frame) => frames.includes(takeFrame(frame.bytes.length)));
    let bytes = 0;
    for (const frame of kept) bytes += frame.bytes.length;
    expect(bytes).toBeLessThanOrEqual(4 << 20);
    const huge = takeFrame(32 << 20);
    giveFrame(huge);
    expect(takeFrame(32 << 20) === huge).toBe(false);
  });
});
