import { describe, expect, it } from 'vitest';
import { damage, FUZZED_SHAPES, makeFuzzedImage, readTolerantly } from '../helpers/ext4-fuzz.ts';
import { memoryDevice } from '../helpers/memory-device.ts';
import { describeRead } from '../helpers/read-tree.ts';
import { scratch } from '../helpers/scratch.ts';
import { requireTools } from '../helpers/tools.ts';

const hasTools = requireTools('mke2fs', 'debugfs');
const RUNS = Number(process.env['BLOCKLOOM_FUZZ'] ?? 400);
/** One damaged image takes no longer, on a machine that does much else. */
const LIMIT_MILLISECONDS = 5000;

describe.skipIf(!hasTools)('the ext4 reader', () => {
  it.each(FUZZED_SHAPES)('reads damaged images of %s, or says what is wrong', (_, options) => {
    const image = makeFuzzedImage(scratch(), options);
    const whole = describeRead(memoryDevice(image.bytes));
    expect(whole.length).toBe(127);
    for (let seed = 0; seed < RUNS; seed++) {
      const { damaged, undo } = damage(image, seed);
      const start = performance.now();
      expect(() => readTolerantly(damaged), `seed ${seed}`).not.toThrow();
      expect(performance.now() - start, `seed ${seed}`).toBeLessThan(LIMIT_MILLISECONDS);
      undo();
    }
    expect(describeRead(memoryDevice(image.bytes))).toEqual(whole);
  });
});
