import { Chunk, ChunkFlag, ErrorValue, HeaderBytes, Magic, type ReplyStyle } from '../protocol.ts';
import type { Request } from './request.ts';

const WORD = 2 ** 32;

/** What people are shown for an error value; never longer than 100 bytes. */
const MESSAGES: Readonly<Record<number, Uint8Array>> = Object.fromEntries(
  (
    [
      [ErrorValue.EPERM, 'the export is read-only, or its storage refuses'],
      [ErrorValue.EIO, 'the storage of the export failed'],
      [ErrorValue.ENOMEM, 'the storage of the export is out of memory'],
      [ErrorValue.EINVAL, 'the request is invalid for this export'],
      [ErrorValue.ENOSPC, 'past the end of the export, or its storage is full'],
      [ErrorValue.EOVERFLOW, 'the request is too long'],
      [ErrorValue.ENOTSUP, 'zeros are not faster than a write'],
      [ErrorValue.ESHUTDOWN, 'the server is shutting down'],
    ] as const
  ).map(([value, text]) => [value, Buffer.from(text)]),
);

/** Room that every reply without data of the export fits in. */
export const SMALL_REPLY_BYTES_MAX = 256;

/** Memory that replies are written to: the same bytes twice. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** A frame of its own. */
export function newFrame(length: number): Frame {
  const { buffer } = Buffer.allocUnsafeSlow(length);
  return { bytes: new Uint8Array(buffer), view: new DataView(buffer) };
}

/** "Simple reply message"; returns its length. */
function putSimpleReply({ view }: Frame, at: number, request: Request, error: number): number {
  view.setUint32(at, Magic.simpleReply);
  view.setUint32(at + 4, error);
  view.setUint32(at + 8, request.cookieHigh);
  view.setUint32(at + 12, request.cookieLow);
  return HeaderBytes.simpleReply;
}

/** The length of the header of a chunk; what precedes data in a simple reply for that style. */
export function chunkHeaderBytes(style: ReplyStyle): number {
  if (style === 'simple') return HeaderBytes.simpleReply;
  return style === 'extended' ? HeaderBytes.extendedReply : HeaderBytes.structuredReply;
}

/** The header of a "Structured reply chunk message" or its extended form; returns its length. */
export function putChunkHeader(
  { view }: Frame,
  at: number,
  style: ReplyStyle,
  request: Request,
  type: number,
  payloadLength: number,
  isDone: boolean,
): number {
  const isExtended = style === 'extended';
  view.setUint32(at, isExtended ? Magic.extendedReply : Magic.structuredReply);
  view.setUint16(at + 4, isDone ? ChunkFlag.DONE : 0);
  view.setUint16(at + 6, type);
  view.setUint32(at + 8, request.cookieHigh);
  view.setUint32(at + 12, request.cookieLow);
  if (!isExtended) {
    view.setUint32(at + 16, payloadLength);
    return HeaderBytes.structuredReply;
  }
  view.setUint32(at + 16, request.offsetHigh);
  view.setUint32(at + 20, request.offsetLow);
  view.setUint32(at + 24, 0);
  view.setUint32(at + 28, payloadLength);
  return HeaderBytes.extendedReply;
}

/** The length of what precedes the data of a READ. */
export function dataHeaderBytes(style: ReplyStyle): number {
  return chunkHeaderBytes(style) + (style === 'simple' ? 0 : 8);
}

/** What precedes the data of a READ: a simple header, or NBD_REPLY_TYPE_OFFSET_DATA. */
export function putDataHeader(
  frame: Frame,
  at: number,
  style: ReplyStyle,
  request: Request,
  offset: number,
  length: number,
  isDone: boolean,
): void {
  if (style === 'simple') {
    putSimpleReply(frame, at, request, 0);
    return;
  }
  const payload = at + putChunkHeader(frame, at, style, request, Chunk.OFFSET_DATA, 8 + length, isDone);
  putU64(frame.view, payload, offset);
}

/** NBD_REPLY_TYPE_OFFSET_HOLE; returns its length. `length` is below 2^32. */
export function putHole(
  frame: Frame,
  at: number,
  style: ReplyStyle,
  request: Request,
  offset: number,
  length: number,
  isDone: boolean,
): number {
  const header = putChunkHeader(frame, at, style, request, Chunk.OFFSET_HOLE, 12, isDone);
  putU64(frame.view, at + header, offset);
  frame.view.setUint32(at + header + 8, length);
  return header + 12;
}

/** Success without data; returns its length. */
export function putDone(frame: Frame, at: number, style: ReplyStyle, request: Request): number {
  if (style === 'simple') return putSimpleReply(frame, at, request, 0);
  return putChunkHeader(frame, at, style, request, Chunk.NONE, 0, true);
}

/** A failure, with the offset where it happened when that is known; returns its length. */
export function putError(
  frame: Frame,
  at: number,
  style: ReplyStyle,
  request: Request,
  error: number,
  offset?: number,
): number {
  if (style === 'simple') return putSimpleReply(frame, at, request, error);
  const message = MESSAGES[error] ?? new Uint8Array(0);
  const type = offset === undefined ? Chunk.ERROR : Chunk.ERROR_OFFSET;
  const length = 6 + message.length + (offset === undefined ? 0 : 8);
  const payload = at + putChunkHeader(frame, at, style, request, type, length, true);
  frame.view.setUint32(payload, error);
  frame.view.setUint16(payload + 4, message.length);
  frame.bytes.set(message, payload + 6);
  if (offset !== undefined) putU64(frame.view, payload + 6 + message.length, offset);
  return payload + length - at;
}

/** A number below 2^53 as 64 bits. */
export function putU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / WORD));
  view.setUint32(at + 4, value % WORD);
}
