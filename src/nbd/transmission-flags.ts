import type { Backend, Export } from './backend.ts';
import { type ReplyStyle, TransmissionFlag } from './protocol.ts';

/** The transmission flags of an export: what its backend has methods for, and what was negotiated. */
export function transmissionFlags(entry: Export, backend: Backend, style: ReplyStyle): number {
  const isWritable = backend.write !== undefined;
  const isShared = typeof entry.backend !== 'function';
  const always =
    TransmissionFlag.HAS_FLAGS | TransmissionFlag.SEND_FLUSH | TransmissionFlag.SEND_FUA | TransmissionFlag.SEND_CACHE;
  let flags: number = always;
  if (isShared || !isWritable) flags |= TransmissionFlag.CAN_MULTI_CONN;
  if (style !== 'simple') flags |= TransmissionFlag.SEND_DF;
  if (!isWritable) return flags | TransmissionFlag.READ_ONLY;
  if (backend.trim !== undefined) flags |= TransmissionFlag.SEND_TRIM;
  return flags | TransmissionFlag.SEND_WRITE_ZEROES | TransmissionFlag.SEND_FAST_ZERO;
}
