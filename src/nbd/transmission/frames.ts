import { type Frame, newFrame, SMALL_REPLY_BYTES_MAX } from './replies.ts';

/** Frames are so long, or longer by multiples of it, with room for headers besides. */
const UNIT_BYTES = 64 * 1024;
const HEADER_BYTES = 2 * SMALL_REPLY_BYTES_MAX;

/** Memory of frames that nobody uses. */
const IDLE_BYTES_MAX = 4 * 1024 * 1024;

/** Frames between uses, by length; what one connection gives back another takes. */
const idle = new Map<number, Frame[]>();
let idleBytes = 0;

/** A frame of at least `length` bytes, new or used before. */
export function takeFrame(length: number): Frame {
  const bytes = Math.max(1, Math.ceil((length - HEADER_BYTES) / UNIT_BYTES)) * UNIT_BYTES + HEADER_BYTES;
  const frame = idle.get(bytes)?.pop();
  if (frame === undefined) return newFrame(bytes);
  idleBytes -= bytes;
  return frame;
}

/** Gives a frame back that nobody reads or writes any more. */
export function giveFrame(frame: Frame): void {
  const { length } = frame.bytes;
  if (length > IDLE_BYTES_MAX) return;
  if (idleBytes + length > IDLE_BYTES_MAX) {
    // Lengths go out of use when clients do.
    idle.clear();
    idleBytes = 0;
  }
  const frames = idle.get(length);
  if (frames === undefined) idle.set(length, [frame]);
  else frames.push(frame);
  idleBytes += length;
}
