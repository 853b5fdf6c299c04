import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, limitsWith } from '../../../src/nbd/limits.ts';

describe('limitsWith', () => {
  it('replaces what is told', () => {
    expect(limitsWith()).toEqual(DEFAULT_LIMITS);
    expect(limitsWith({ optionsMax: 5 })).toEqual({ ...DEFAULT_LIMITS, optionsMax: 5 });
  });

  it.each([
    { connectionsMax: 0 },
    { optionsMax: Number.NaN },
    { handshakeMilliseconds: -1 },
    { requestsInFlightMax: 1.5 },
    { payloadBytesMax: 65_535 },
    { payloadBytesMax: 65_537 },
    { payloadBytesMax: 2 ** 32 },
  ])('refuses %o', (wanted) => {
    expect(() => limitsWith(wanted)).toThrow(expect.objectContaining({ code: 'bad-limit' }));
  });
});
