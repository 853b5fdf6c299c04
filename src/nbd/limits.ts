import { NbdServerError } from './errors.ts';

/** What clients may ask for at most. A client past a limit loses its connection, not the server. */
export interface Limits {
  /** Connections at the same time; more are closed at once. */
  readonly connectionsMax: number;
  /** From the greeting to the transmission phase, TLS included. */
  readonly handshakeMilliseconds: number;
  /** Options in one negotiation. */
  readonly optionsMax: number;
  /** Data of one option; the header of a longer one ends the connection. */
  readonly optionBytesMax: number;
  /** Data of one READ or WRITE, advertised as the maximum block size. */
  readonly payloadBytesMax: number;
  /** Requests that wait for their backend or for the client to take their replies; then nothing more is read. */
  readonly requestsInFlightMax: number;
  /** How long `close()` waits for requests in flight. */
  readonly closeMilliseconds: number;
}

const MEBIBYTE = 1 << 20;

/** The limits of a server that says nothing about them. */
export const DEFAULT_LIMITS: Limits = {
  connectionsMax: 128,
  handshakeMilliseconds: 10_000,
  optionsMax: 64,
  optionBytesMax: 32 * MEBIBYTE,
  payloadBytesMax: 32 * MEBIBYTE,
  requestsInFlightMax: 64,
  closeMilliseconds: 10_000,
};

/** The protocol's minimum for reads that may not be fragmented, and the least a maximum block size should be. */
const PAYLOAD_BYTES_LEAST = 65_536;

/** The default limits with some replaced. Throws `bad-limit`. */
export function limitsWith(wanted: Partial<Limits> = {}): Limits {
  const limits = { ...DEFAULT_LIMITS, ...wanted };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new NbdServerError('bad-limit', `limit ${name} is ${value}, expected a positive integer`);
  }
  const { payloadBytesMax } = limits;
  if (payloadBytesMax < PAYLOAD_BYTES_LEAST || payloadBytesMax > 0xffff_0000 || payloadBytesMax % 65_536 !== 0) {
    throw new NbdServerError('bad-limit', `limit payloadBytesMax is ${payloadBytesMax}, expected a multiple of 65536`);
  }
  return limits;
}
