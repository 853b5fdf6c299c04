import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { Wire } from './wire.ts';

/**
 * The wire of a process whose client is its standard input and output: one socket, or one for each direction. process.stdin
 * and process.stdout are not used, because they write to pipes blocking.
 */
export function stdioWire(closed: () => void): Wire {
  const isOne = fstatSync(0).ino === fstatSync(1).ino;
  const input = new Socket({ fd: 0, readable: true, writable: isOne, allowHalfOpen: true });
  const output = isOne ? input : new Socket({ fd: 1, readable: false, writable: true });
  const wire = new Wire(input, output, closed);
  wire.listen();
  return wire;
}
