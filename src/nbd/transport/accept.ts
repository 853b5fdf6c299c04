import { Socket } from 'node:net';
import { Wire } from './wire.ts';

/** What is read at once from a socket; the only memory that a silent client costs. */
const RECEIVE_BYTES = 32 * 1024;

/** The part of an accepted socket that Node.js does not document: what the operating system's socket is wrapped in. */
interface WithHandle {
  _handle?: unknown;
}

/**
 * The wire of a socket that was accepted with `pauseOnConnect`. Reading into one buffer of ours for the whole life of the
 * connection, instead of a new one for each chunk, is something that Node.js offers to clients only; a server has to make
 * a new socket around the handle. Where there is no such handle, 'data' events do.
 */
export function wireOf(accepted: Socket, closed: () => void): Wire {
  const holder = accepted as WithHandle;
  const handle = holder._handle;
  if (handle === undefined || handle === null || accepted.readableLength > 0) {
    const plain = new Wire(accepted, accepted, closed);
    plain.listen();
    return plain;
  }
  // Without its handle the accepted socket is an empty shell, which is left to the garbage collector.
  holder._handle = null;
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: new Uint8Array(RECEIVE_BYTES),
      callback: (length: number, buffer: Uint8Array): boolean => wire.deliver(buffer.subarray(0, length)),
    },
  };
  const socket = new Socket(options as ConstructorParameters<typeof Socket>[0]);
  const wire = new Wire(socket, socket, closed);
  return wire;
}
