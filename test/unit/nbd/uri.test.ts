import { describe, expect, it } from 'vitest';
import { nbdUri } from '../../../src/nbd/uri.ts';

describe('nbdUri', () => {
  it('names sockets, hosts and exports', () => {
    expect(nbdUri({ kind: 'unix', path: '/tmp/a b?&' })).toBe('nbd+unix:///?socket=%2Ftmp%2Fa%20b%3F%26');
    expect(nbdUri({ kind: 'unix', path: '/s' }, 'a/ü?', true)).toBe('nbds+unix:///a/%C3%BC%3F?socket=%2Fs');
    expect(nbdUri({ kind: 'tcp', host: '127.0.0.1', port: 10_809 }, 'x')).toBe('nbd://127.0.0.1/x');
    expect(nbdUri({ kind: 'tcp', host: '::1', port: 5 }, '', true)).toBe('nbds://[::1]:5/');
  });
});
