import { EventEmitter } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Command, HandshakeFlag, HeaderBytes, Magic, Option } from '../../src/nbd/protocol.ts';

/** What a connection asks for, again and again. */
export interface Requests {
  readonly command: 'read' | 'write';
  readonly order: 'random' | 'sequential';
  readonly requestBytes: number;
  /** Requests under way at a time. */
  readonly depth: number;
  /** Not zero. Another seed, other offsets. */
  readonly seed: number;
}

/** Asked before each request, and told of each answer. */
export interface Progress {
  /** Whether one more request is to be sent. */
  readonly next: () => boolean;
  /** `now` is the time of the answer, in milliseconds. */
  readonly answered: (now: number, milliseconds: number) => void;
}

const RECEIVE_BYTES = 1 << 18;
/** "Newstyle negotiation": the greeting; then, in answer to EXPORT_NAME, size and flags. */
const GREETING_BYTES = 18;
const EXPORT_BYTES = 10;
/** Ours, for writes; not zeros, which servers need not store. */
const PAYLOAD_BYTE = 0xa5;

/**
 * One connection of a client that keeps `depth` requests under way and allocates nothing per request. It speaks simple
 * replies, takes the default export, and throws away what it reads. Events: `ready` after the negotiation, `finished` when
 * the last answer has come and the connection is closed, `error`.
 */
export class Connection extends EventEmitter {
  readonly #socket: Socket;
  readonly #requests: Requests;
  readonly #progress: Progress;
  /** Two requests for each that may be under way: one that is overwritten was sent, as a later one has been answered. */
  readonly #ring: Buffer;
  readonly #requestBytes: number;
  #ringEntry = 0;
  readonly #freeSlots: number[];
  readonly #startedAt: Float64Array;
  readonly #header = Buffer.alloc(GREETING_BYTES);
  #headerHave = 0;
  #headerBytes: number = GREETING_BYTES;
  /** What the next header is. */
  #phase: 'greeting' | 'export' | 'replies' = 'greeting';
  #payloadLeft = 0;
  #slot = 0;
  #blockCount = 0;
  /** Of the random numbers, or the next block. */
  #state: number;
  #now = 0;
  #isStarted = false;
  #isFinished = false;

  constructor(path: string, requests: Requests, progress: Progress) {
    super();
    const { command, order, requestBytes, depth, seed } = requests;
    this.#requests = requests;
    this.#progress = progress;
    this.#requestBytes = HeaderBytes.request + (command === 'write' ? requestBytes : 0);
    this.#ring = Buffer.alloc(2 * depth * this.#requestBytes, PAYLOAD_BYTE);
    this.#freeSlots = Array.from({ length: depth }, (_, slot) => slot);
    this.#startedAt = new Float64Array(depth);
    this.#state = order === 'random' ? seed : 0;
    const callback = (length: number, bytes: Uint8Array): boolean => {
      this.#consume(bytes as Buffer, length);
      return true;
    };
    this.#socket = connect({ path, onread: { buffer: Buffer.alloc(RECEIVE_BYTES), callback } });
    let failure = new Error(`${path}: the server closed the connection`);
    this.#socket.on('error', (error) => (failure = error));
    this.#socket.on('close', () => (this.#isFinished ? this.emit('finished') : this.emit('error', failure)));
  }

  /** Sends the first requests; further ones follow the answers. */
  start(): void {
    this.#isStarted = true;
    this.#now = performance.now();
    this.#send();
  }

  /** Splits what comes into headers, each kept whole, and payloads, which are skipped. */
  #consume(bytes: Buffer, length: number): void {
    this.#now = performance.now();
    for (let at = 0; at < length; ) {
      if (this.#payloadLeft > 0) {
        const skipped = Math.min(this.#payloadLeft, length - at);
        at += skipped;
        this.#payloadLeft -= skipped;
        if (this.#payloadLeft === 0) this.#answered();
      } else {
        const taken = Math.min(this.#headerBytes - this.#headerHave, length - at);
        bytes.copy(this.#header, this.#headerHave, at, at + taken);
        at += taken;
        this.#headerHave += taken;
        if (this.#headerHave < this.#headerBytes) break;
        this.#headerHave = 0;
        if (this.#phase === 'replies') this.#onReply();
        else if (this.#phase === 'greeting') this.#onGreeting();
        else this.#onExport();
      }
    }
    if (this.#isStarted) this.#send();
  }

  #onGreeting(): void {
    const chosen = Buffer.alloc(4 + HeaderBytes.option);
    chosen.writeUInt32BE(HandshakeFlag.FIXED_NEWSTYLE | HandshakeFlag.NO_ZEROES, 0);
    chosen.writeUInt32BE(Magic.optionHigh, 4);
    chosen.writeUInt32BE(Magic.optionLow, 8);
    chosen.writeUInt32BE(Option.EXPORT_NAME, 12);
    this.#socket.write(chosen);
    this.#headerBytes = EXPORT_BYTES;
    this.#phase = 'export';
  }

  #onExport(): void {
    const size = this.#header.readUInt32BE(0) * 2 ** 32 + this.#header.readUInt32BE(4);
    this.#blockCount = Math.floor(size / this.#requests.requestBytes);
    this.#headerBytes = HeaderBytes.simpleReply;
    this.#phase = 'replies';
    this.emit('ready');
  }

  #onReply(): void {
    const magic = this.#header.readUInt32BE(0);
    const error = this.#header.readUInt32BE(4);
    if (magic !== Magic.simpleReply || error !== 0) {
      this.#socket.destroy(new Error(`reply with magic 0x${magic.toString(16)} and error ${error}`));
      return;
    }
    this.#slot = this.#header.readUInt32BE(12);
    if (this.#requests.command === 'read') this.#payloadLeft = this.#requests.requestBytes;
    else this.#answered();
  }

  #answered(): void {
    this.#freeSlots.push(this.#slot);
    this.#progress.answered(this.#now, this.#now - (this.#startedAt[this.#slot] ?? 0));
  }

  /** Sends a request for each free slot, all in one write, two where the ring ends between them. */
  #send(): void {
    const ringEntries = this.#ring.length / this.#requestBytes;
    let first = this.#ringEntry;
    while (this.#freeSlots.length > 0 && this.#progress.next()) {
      this.#encode(this.#freeSlots.pop() ?? 0);
      if (++this.#ringEntry === ringEntries) {
        this.#write(first, ringEntries);
        first = 0;
        this.#ringEntry = 0;
      }
    }
    this.#write(first, this.#ringEntry);
    if (this.#freeSlots.length === this.#requests.depth) this.#finish();
  }

  #write(from: number, to: number): void {
    if (to > from) this.#socket.write(this.#ring.subarray(from * this.#requestBytes, to * this.#requestBytes));
  }

  /** "Request message". */
  #encode(slot: number): void {
    const { command, requestBytes } = this.#requests;
    const at = this.#ringEntry * this.#requestBytes;
    const offset = this.#nextBlock() * requestBytes;
    this.#ring.writeUInt32BE(Magic.request, at);
    this.#ring.writeUInt32BE(command === 'read' ? Command.READ : Command.WRITE, at + 4);
    this.#ring.writeUInt32BE(0, at + 8);
    this.#ring.writeUInt32BE(slot, at + 12);
    this.#ring.writeUInt32BE(Math.floor(offset / 2 ** 32), at + 16);
    this.#ring.writeUInt32BE(offset % 2 ** 32, at + 20);
    this.#ring.writeUInt32BE(requestBytes, at + 24);
    this.#startedAt[slot] = this.#now;
  }

  /** Marsaglia's xorshift of 32 bits, or one after the other. */
  #nextBlock(): number {
    if (this.#requests.order === 'sequential') return this.#state++ % this.#blockCount;
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % this.#blockCount;
  }

  #finish(): void {
    this.#isStarted = false;
    this.#isFinished = true;
    const request = Buffer.alloc(HeaderBytes.request);
    request.writeUInt32BE(Magic.request, 0);
    request.writeUInt32BE(Command.DISC, 4);
    this.#socket.end(request);
  }
}
