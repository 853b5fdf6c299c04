import { HeaderBytes, Magic } from '../protocol.ts';

const WORD = 2 ** 32;

/**
 * A request header, compact or extended. One object is filled again for each request of a connection, so that the many
 * requests that are answered at once cost no memory; what lives longer takes a copy.
 */
export class Request {
  flags = 0;
  type = 0;
  cookieHigh = 0;
  cookieLow = 0;
  offsetHigh = 0;
  offsetLow = 0;
  /** In bytes; inexact past 2^53, where no export reaches. */
  offset = 0;
  length = 0;
  /** When the server had it, as `performance.now()` tells. */
  arrivedAt = 0;

  /** Reads "Request message" at `at`; returns false when the magic is another. */
  parse(view: DataView, at: number, isExtended: boolean): boolean {
    if (view.getUint32(at) !== (isExtended ? Magic.extendedRequest : Magic.request)) return false;
    this.flags = view.getUint16(at + 4);
    this.type = view.getUint16(at + 6);
    this.cookieHigh = view.getUint32(at + 8);
    this.cookieLow = view.getUint32(at + 12);
    this.offsetHigh = view.getUint32(at + 16);
    this.offsetLow = view.getUint32(at + 20);
    this.offset = this.offsetHigh * WORD + this.offsetLow;
    this.length = view.getUint32(at + 24);
    if (isExtended) this.length = this.length * WORD + view.getUint32(at + 28);
    return true;
  }

  copy(): Request {
    return Object.assign(new Request(), this);
  }
}

/** The length of a request header. */
export function requestBytes(isExtended: boolean): number {
  return isExtended ? HeaderBytes.extendedRequest : HeaderBytes.request;
}
