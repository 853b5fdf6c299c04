import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rate } from '../../../src/cli/rate.ts';

describe('Rate', () => {
  it('says nothing before anything was done', () => {
    const rate = new Rate(0, 7);
    expect(rate.perSecond).toBeUndefined();
    rate.update(1, 7);
    expect(rate.perSecond).toBeUndefined();
  });

  it('is right from the first moment on when the speed stays', () => {
    const rate = new Rate(10, 1000);
    for (const at of [10.1, 10.5, 12, 60]) {
      rate.update(at, 1000 + (at - 10) * 50);
      expect(rate.perSecond).toBeCloseTo(50);
    }
  });

  it('comes to a new speed in a while, not at once', () => {
    const rate = new Rate(0, 0);
    let done = 0;
    for (let at = 1; at <= 20; at++) rate.update(at, (done += 100));
    rate.update(20.1, (done += 100));
    expect(rate.perSecond).toBeLessThan(150);
    for (let at = 21; at <= 60; at++) rate.update(at, (done += 1000));
    expect(rate.perSecond).toBeCloseTo(1000, -2);
  });

  it('stays between the slowest and the fastest', () => {
    const steps = fc.array(fc.record({ seconds: fc.double({ min: 0.1, max: 9, noNaN: true }), speed: fc.nat(1000) }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(steps, (all) => {
        const rate = new Rate(0, 0);
        let at = 0;
        let done = 0;
        for (const { seconds, speed } of all) rate.update((at += seconds), (done += seconds * speed));
        const speeds = all.map(({ speed }) => speed);
        const found = rate.perSecond ?? 0;
        expect(found).toBeGreaterThanOrEqual(Math.min(...speeds) - 1e-6);
        expect(found).toBeLessThanOrEqual(Math.max(...speeds) + 1e-6);
      }),
    );
  });
});
