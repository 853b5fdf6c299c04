import type { Export } from '../backend.ts';
import { HandshakeFlag, HeaderBytes, Info, Magic, Reply } from '../protocol.ts';

/** QEMU drops a server whose texts are over 1000 bytes. */
const MESSAGE_BYTES_MAX = 199;

/** "S: NBDMAGIC IHAVEOPT handshake flags". */
export function greeting(): Buffer {
  const bytes = Buffer.alloc(18);
  bytes.writeUInt32BE(Magic.initHigh, 0);
  bytes.writeUInt32BE(Magic.initLow, 4);
  bytes.writeUInt32BE(Magic.optionHigh, 8);
  bytes.writeUInt32BE(Magic.optionLow, 12);
  bytes.writeUInt16BE(HandshakeFlag.FIXED_NEWSTYLE | HandshakeFlag.NO_ZEROES, 16);
  return bytes;
}

/** A reply to an option, "Fixed newstyle negotiation". */
export function optionReply(option: number, type: number, data: Uint8Array = new Uint8Array(0)): Buffer {
  const header = Buffer.alloc(HeaderBytes.optionReply);
  header.writeUInt32BE(Magic.optionReplyHigh, 0);
  header.writeUInt32BE(Magic.optionReplyLow, 4);
  header.writeUInt32BE(option, 8);
  header.writeUInt32BE(type, 12);
  header.writeUInt32BE(data.length, 16);
  return Buffer.concat([header, data]);
}

/** An error reply; `message` is ours and never the client's text. */
export function errorReply(option: number, type: number, message: string): Buffer {
  return optionReply(option, type, Buffer.from(message).subarray(0, MESSAGE_BYTES_MAX));
}

/** NBD_REP_SERVER. */
export function serverReply(option: number, { name, description = '' }: Export): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(name));
  return optionReply(option, Reply.SERVER, Buffer.concat([length, Buffer.from(name + description)]));
}

/** NBD_INFO_EXPORT, or with `padding` what answers EXPORT_NAME. */
export function sizeAndFlags(size: number, flags: number, padding = 0): Buffer {
  const bytes = Buffer.alloc(10 + padding);
  bytes.writeBigUInt64BE(BigInt(size), 0);
  bytes.writeUInt16BE(flags, 8);
  return bytes;
}

/** NBD_REP_INFO. */
export function infoReply(option: number, type: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(type);
  return optionReply(option, Reply.INFO, Buffer.concat([head, payload]));
}

/** NBD_INFO_BLOCK_SIZE: minimum, preferred and maximum in bytes. */
export function blockSizeReply(option: number, sizes: readonly [number, number, number]): Buffer {
  const bytes = Buffer.alloc(12);
  sizes.forEach((size, i) => bytes.writeUInt32BE(size, 4 * i));
  return infoReply(option, Info.BLOCK_SIZE, bytes);
}

/** NBD_REP_META_CONTEXT. */
export function contextReply(option: number, id: number, name: string): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(id);
  return optionReply(option, Reply.META_CONTEXT, Buffer.concat([head, Buffer.from(name)]));
}
