import { describe, expect, it } from 'vitest';
import { isLoopback } from '../../../../src/nbd/transport/tcp.ts';

describe('isLoopback', () => {
  it.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost'])('%s', (host) => expect(isLoopback(host)).toBe(true));
  it.each(['', '0.0.0.0', '::', '127.evil.example', '10.0.0.1', '::ffff:1.2.3.4'])('not %s', (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});
