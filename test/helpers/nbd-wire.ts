import { Chunk, Magic, type ReplyStyle } from '../../src/nbd/protocol.ts';

/** Bytes from numbers of 16, 32 and 64 bits and other bytes, in network order. */
export const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
};

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};

export const u64 = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};

export const text = (value: string): Buffer => Buffer.concat([u32(Buffer.byteLength(value)), Buffer.from(value)]);

/** What a client says first: fixed newstyle and no zeroes, or other flags. */
export const clientFlags = (flags = 3): Buffer => u32(flags);

/** An option; `length` lies about the data when it is told. */
export function option(type: number, data: Uint8Array = Buffer.alloc(0), length = data.length): Buffer {
  return Buffer.concat([Buffer.from('IHAVEOPT'), u32(type), u32(length), data]);
}

export const infoData = (name: string, infos: number[] = []): Buffer =>
  Buffer.concat([text(name), u16(infos.length), ...infos.map(u16)]);

export const contextData = (name: string, queries: string[]): Buffer =>
  Buffer.concat([text(name), u32(queries.length), ...queries.map(text)]);

export interface OptionReply {
  readonly option: number;
  readonly type: number;
  readonly data: Buffer;
}

/** All replies in `bytes`, which must hold nothing else. */
export function optionReplies(bytes: Uint8Array): OptionReply[] {
  const all = Buffer.from(bytes);
  const replies: OptionReply[] = [];
  for (let at = 0; at < all.length; ) {
    if (all.readUInt32BE(at) !== Magic.optionReplyHigh || all.readUInt32BE(at + 4) !== Magic.optionReplyLow) {
      throw new Error(`no option reply at ${at}`);
    }
    const length = all.readUInt32BE(at + 16);
    if (at + 20 + length > all.length) throw new Error('an option reply is cut off');
    replies.push({
      option: all.readUInt32BE(at + 8),
      type: all.readUInt32BE(at + 12),
      data: all.subarray(at + 20, at + 20 + length),
    });
    at += 20 + length;
  }
  return replies;
}

export interface TestRequest {
  readonly type: number;
  readonly flags?: number;
  readonly cookie?: number | bigint;
  readonly offset?: number | bigint;
  readonly length?: number | bigint;
  readonly payload?: Uint8Array;
  readonly magic?: number;
}

/** A request message. */
export function request(
  { type, flags = 0, cookie = 1, offset = 0, length, payload = Buffer.alloc(0), magic }: TestRequest,
  isExtended = false,
): Buffer {
  return Buffer.concat([
    u32(magic ?? (isExtended ? Magic.extendedRequest : Magic.request)),
    u16(flags),
    u16(type),
    u64(cookie),
    u64(offset),
    isExtended ? u64(length ?? payload.length) : u32(Number(length ?? payload.length)),
    payload,
  ]);
}

/** A simple reply, or a chunk of a structured or extended one. */
export interface Message {
  readonly cookie: bigint;
  /** Of a simple reply, or of an error chunk; 0 is success. */
  readonly error: number;
  readonly chunk: number | undefined;
  readonly isDone: boolean;
  /** The data of a READ, or all of the payload of a chunk that is neither data, hole nor error. */
  readonly data: Buffer;
  /** Of data, a hole or an error with an offset. */
  readonly offset: number | undefined;
  readonly holeBytes: number | undefined;
  /** What extended headers repeat of the request. */
  readonly requestOffset: bigint | undefined;
}

/** Takes apart what a server sent in the transmission phase; `readBytes` tells how much data a simple reply has. */
export class MessageParser {
  readonly #style: ReplyStyle;
  readonly #readBytes: (cookie: bigint) => number;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(style: ReplyStyle, readBytes: (cookie: bigint) => number = () => 0) {
    this.#style = style;
    this.#readBytes = readBytes;
  }

  get leftOver(): number {
    return this.#bytes.length;
  }

  /** The messages that are whole after `bytes`. */
  push(bytes: Uint8Array): Message[] {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const messages: Message[] = [];
    for (let message = this.#next(); message !== undefined; message = this.#next()) messages.push(message);
    return messages;
  }

  #next(): Message | undefined {
    const all = this.#bytes;
    if (all.length < 16) return undefined;
    const magic = all.readUInt32BE(0);
    if (magic === Magic.simpleReply) {
      if (this.#style === 'extended') throw new Error('a simple reply with extended headers');
      return this.#simple(all);
    }
    const isExtended = this.#style === 'extended';
    if (magic !== (isExtended ? Magic.extendedReply : Magic.structuredReply))
      throw new Error(`magic ${magic.toString(16)}`);
    const header = isExtended ? 32 : 20;
    if (all.length < header) return undefined;
    const length = isExtended ? Number(all.readBigUInt64BE(24)) : all.readUInt32BE(16);
    if (all.length < header + length) return undefined;
    this.#bytes = all.subarray(header + length);
    return chunkOf(all, all.subarray(header, header + length), isExtended ? all.readBigUInt64BE(16) : undefined);
  }

  #simple(all: Buffer): Message | undefined {
    const error = all.readUInt32BE(4);
    const cookie = all.readBigUInt64BE(8);
    const length = error === 0 ? this.#readBytes(cookie) : 0;
    if (all.length < 16 + length) return undefined;
    this.#bytes = all.subarray(16 + length);
    const data = all.subarray(16, 16 + length);
    const nothing = { chunk: undefined, offset: undefined, holeBytes: undefined, requestOffset: undefined };
    return { cookie, error, isDone: true, data, ...nothing };
  }
}

function chunkOf(all: Buffer, payload: Buffer, requestOffset: bigint | undefined): Message {
  const chunk = all.readUInt16BE(6);
  const common = { cookie: all.readBigUInt64BE(8), chunk, isDone: (all.readUInt16BE(4) & 1) !== 0, requestOffset };
  const u64At = (at: number): number => Number(payload.readBigUInt64BE(at));
  if (chunk === Chunk.OFFSET_DATA) {
    return { ...common, error: 0, data: payload.subarray(8), offset: u64At(0), holeBytes: undefined };
  }
  if (chunk === Chunk.OFFSET_HOLE) {
    return { ...common, error: 0, data: Buffer.alloc(0), offset: u64At(0), holeBytes: payload.readUInt32BE(8) };
  }
  if (chunk === Chunk.ERROR || chunk === Chunk.ERROR_OFFSET) {
    const end = 6 + payload.readUInt16BE(4);
    const offset = chunk === Chunk.ERROR_OFFSET ? u64At(end) : undefined;
    return { ...common, error: payload.readUInt32BE(0), data: payload.subarray(6, end), offset, holeBytes: undefined };
  }
  return { ...common, error: 0, data: payload, offset: undefined, holeBytes: undefined };
}

/** Puts the data and the holes of a READ together; throws when they overlap or leave something out. */
export function assemble(messages: readonly Message[], offset: number, length: number): Buffer {
  const data = Buffer.alloc(length);
  let covered = 0;
  for (const message of messages.filter((each) => each.offset !== undefined)) {
    const at = (message.offset ?? 0) - offset;
    const bytes = message.holeBytes ?? message.data.length;
    if (at < 0 || at + bytes > length || bytes === 0)
      throw new Error(`a chunk of ${bytes} bytes at ${at} of ${length}`);
    message.data.copy(data, at);
    covered += bytes;
  }
  if (covered !== length) throw new Error(`${covered} of ${length} bytes`);
  return data;
}
