import { describe, expect, it } from 'vitest';
import { damage } from '../helpers/ext4-fuzz.ts';
import { scratch } from '../helpers/scratch.ts';
import { FUZZED_FATS, makeFuzzedFat, readFatTolerantly } from '../helpers/fat-fuzz.ts';

const RUNS = Number(process.env['BLOCKLOOM_FUZZ'] ?? 150);
/** One damaged image takes no longer, on a machine that does much else. */
const LIMIT_MILLISECONDS = 5000;

describe('the FAT reader', () => {
  it.each(FUZZED_FATS)('reads damaged images of %s, or says what is wrong', async (_, options) => {
    const image = await makeFuzzedFat(scratch(), options);
    const whole = readFatTolerantly(image.bytes);
    expect(whole).toBeGreaterThan(180);
    for (let seed = 0; seed < RUNS; seed++) {
      const { damaged, undo } = damage(image, seed);
      const start = performance.now();
      expect(() => readFatTolerantly(damaged), `seed ${seed}`).not.toThrow();
      expect(performance.now() - start, `seed ${seed}`).toBeLessThan(LIMIT_MILLISECONDS);
      undo();
    }
    expect(readFatTolerantly(image.bytes)).toBe(whole);
  });
});
