import { describe, expect, it } from 'vitest';
import { counterKilohertz } from '../../../../src/core/guest/counter-frequency.ts';

/** A processor that runs faster at the moment than its counter counts. */
const PROCESSOR = `processor\t: 0
model name\t: AMD EPYC 7763 64-Core Processor
cpu MHz\t\t: 3243.455
flags\t\t: fpu tsc rdtscp constant_tsc nonstop_tsc
bogomips\t: 4890.86
`;

describe("the frequency of this host's counter", () => {
  it('is what Linux took its bogomips from', () => {
    expect(counterKilohertz(`${PROCESSOR}\n${PROCESSOR.replace('processor\t: 0', 'processor\t: 1')}`)).toBe(2_445_430);
  });

  it('is unknown where the counter is not constant, and of processors without one', () => {
    expect(counterKilohertz(PROCESSOR.replace(' constant_tsc', ''))).toBeUndefined();
    expect(counterKilohertz(PROCESSOR.replace('4890.86', '0.00'))).toBeUndefined();
    expect(counterKilohertz('processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\n')).toBeUndefined();
    expect(counterKilohertz('')).toBeUndefined();
  });
});
