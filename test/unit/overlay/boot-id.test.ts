import { describe, expect, it } from 'vitest';
import { bootId, NO_BOOT } from '../../../src/overlay/boot-id.ts';

describe.skipIf(process.platform !== 'linux')('bootId', () => {
  it('has 16 bytes, the same until the machine starts again', () => {
    expect(bootId()).toHaveLength(16);
    expect(bootId()).not.toEqual(NO_BOOT);
    expect(bootId()).toEqual(bootId());
  });
});
