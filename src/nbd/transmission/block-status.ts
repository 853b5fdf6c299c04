import { ALLOCATION_ID } from '../negotiation/policy.ts';
import { Chunk, type ReplyStyle } from '../protocol.ts';
import { type Frame, newFrame, chunkHeaderBytes, putChunkHeader, putU64 } from './replies.ts';
import type { Request } from './request.ts';
import type { Run } from './runs.ts';

/** "A server SHOULD NOT send more than 2^20 status descriptors in a single chunk." */
export const DESCRIPTORS_MAX = 2 ** 20;

/**
 * NBD_REPLY_TYPE_BLOCK_STATUS, or its extended form with 64-bit lengths. The runs end with the request at the latest, so no
 * length of the compact form needs more than 32 bits.
 */
export function blockStatusReply(style: ReplyStyle, request: Request, runs: readonly Run[]): Frame {
  const isExtended = style === 'extended';
  const payloadLength = isExtended ? 8 + 16 * runs.length : 4 + 8 * runs.length;
  const frame = newFrame(chunkHeaderBytes(style) + payloadLength);
  const type = isExtended ? Chunk.BLOCK_STATUS_EXT : Chunk.BLOCK_STATUS;
  let at = putChunkHeader(frame, 0, style, request, type, payloadLength, true);
  const { view } = frame;
  view.setUint32(at, ALLOCATION_ID);
  at += 4;
  if (isExtended) {
    view.setUint32(at, runs.length);
    at += 4;
  }
  for (const { length, state } of runs) {
    if (isExtended) {
      putU64(view, at, length);
      view.setUint32(at + 8, 0);
      view.setUint32(at + 12, state);
      at += 16;
    } else {
      view.setUint32(at, length);
      view.setUint32(at + 4, state);
      at += 8;
    }
  }
  return frame;
}
