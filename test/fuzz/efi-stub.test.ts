import { expect, it } from 'vitest';
import { planUnifiedKernelImage } from '../../src/core/boot/unified-kernel-image.ts';
import { assert, ImageError } from '../../src/core/errors.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import { makeEfiStub } from '../helpers/efi-stub.ts';
import { random } from '../helpers/random.ts';

const ROUNDS = 20_000;
const HEADERS = 0x200;

/** Undefined for a stub that is refused; anything else that is thrown is a failure. */
function planOf(stub: Uint8Array): Plan | undefined {
  try {
    return planUnifiedKernelImage(stub, [{ name: '.linux', content: { blob: 0, offset: 0, length: 100_000 } }]);
  } catch (error) {
    if (error instanceof ImageError && error.code === 'boot-invalid') return undefined;
    throw error;
  }
}

it('an EFI stub that is damaged is refused, or has a plan that is whole', () => {
  const next = random(20_100_101);
  const seen = { planned: 0, refused: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const stub = makeEfiStub();
    for (let change = next(4); change >= 0; change--) stub[next(HEADERS)] = next(3) === 0 ? 0xff : next(256);
    const length = next(8) === 0 ? next(stub.length) : stub.length;
    const plan = planOf(stub.subarray(0, length));
    if (plan === undefined) seen.refused++;
    else {
      const { start, count } = plan.regions;
      assert(start[count] === plan.size && plan.size < 300_000, 'the regions are the whole');
      seen.planned++;
    }
  }
  expect(seen.planned).toBeGreaterThan(ROUNDS / 20);
  expect(seen.refused).toBeGreaterThan(ROUNDS / 20);
});
