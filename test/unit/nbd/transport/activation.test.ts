import { describe, expect, it } from 'vitest';
import { activationDescriptors } from '../../../../src/nbd/transport/activation.ts';

const LISTEN_PID = String(process.pid);

describe('activationDescriptors', () => {
  it('counts from 3 and leaves nothing for processes started from here', () => {
    const environment = { LISTEN_PID, LISTEN_FDS: '2', LISTEN_FDNAMES: 'a:b', OTHER: 'x' };
    expect(activationDescriptors(environment)).toEqual([3, 4]);
    expect(environment).toEqual({ OTHER: 'x' });
  });

  it.each([
    {},
    { LISTEN_PID },
    { LISTEN_PID, LISTEN_FDS: '0' },
    { LISTEN_PID, LISTEN_FDS: '65' },
    { LISTEN_PID, LISTEN_FDS: '1x' },
    { LISTEN_PID: '1', LISTEN_FDS: '1' },
  ])('refuses %o', (environment) => {
    expect(() => activationDescriptors(environment)).toThrow(expect.objectContaining({ code: 'no-activation' }));
  });
});
