import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { Wire } from './wire.ts';

/**
 * The wire of a process whose client is its standard input and output: one socket, or two pipes. process.stdin and
 * process.stdout are not used, because they write to pipes blocking.
 */
export function stdioWire(closed: () => void): Wire {
  const options = { readable: true, writable: true, allowHalfOpen: true };
  const input = new Socket({ ...options, fd: 0, writable: fstatSync(0).isSocket() });
  const output = fstatSync(0).isSocket() ? input : new Socket({ ...options, fd: 1, readable: false });
  const wire = new Wire(input, output, closed);
  wire.listen();
  return wire;
}
