import type { Backend } from '../backend.ts';
import { ConnectionFailure } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { Chosen } from '../negotiation/policy.ts';
import { Command, CommandFlag, ErrorValue, type ReplyStyle } from '../protocol.ts';
import { Input } from './input.ts';
import { Operations } from './operations.ts';
import { Output, PIECE_BYTES } from './output.ts';
import type { Port } from './port.ts';
import { ReadJob } from './read-job.ts';
import { dataHeaderBytes, putDataHeader, putDone, putError, putHole, SMALL_REPLY_BYTES_MAX } from './replies.ts';
import { Request, requestBytes } from './request.ts';
import { errorValueOf, refusal, type Rules } from './validity.ts';
import { WriteJob } from './write-job.ts';

/** Bytes moved for one connection before the others have their turn: little, so that none waits long behind a bulk reader. */
const TURN_BYTES = PIECE_BYTES;
/** The same without others: now and then timers and new connections are seen to. */
const LONG_TURN_BYTES = 16 * PIECE_BYTES;

/** With so much data in replies that wait for the client, as one or many, no more is read for it. */
const HELD_BYTES_MAX = 1024 * 1024;

/** The first replies to what came together leave when they are so long: the client has work while the rest is made. */
const FIRST_REPLIES_BYTES = 32 * 1024;

/**
 * The transmission phase of one connection. What can be answered at once is: all requests of a chunk are parsed together,
 * their data is read right into the frame that is sent, and nothing is allocated for a request. What a backend promises
 * for later is left to `Operations`.
 */
export class Session {
  readonly #port: Port;
  readonly #backend: Backend;
  readonly #style: ReplyStyle;
  readonly #rules: Rules;
  readonly #requestsInFlightMax: number;
  readonly #input = new Input();
  readonly #output: Output;
  readonly #operations: Operations;
  readonly #request = new Request();
  readonly #read = new ReadJob(this.#request);
  #write: WriteJob | undefined;
  /** The backend's last write was a promise: the next gets memory of its own. */
  #writesLater = false;
  /** A backend is still reading the received chunk. */
  #isChunkLent = false;
  #isPumping = false;
  #isPaused = false;
  #isYielding = false;
  /** The client says nothing more. */
  #isEnding = false;
  #isClosing = false;
  #isOver = false;
  #turnBytes = 0;
  #arrivedAt = 0;
  /** Nothing was sent of what the last chunk asks for. */
  #isFirst = false;

  constructor(port: Port, chosen: Chosen, limits: Limits) {
    this.#port = port;
    this.#backend = chosen.backend;
    this.#style = chosen.style;
    this.#requestsInFlightMax = limits.requestsInFlightMax;
    this.#rules = {
      size: chosen.backend.size,
      style: chosen.style,
      isWritable: chosen.backend.write !== undefined,
      canTrim: chosen.backend.trim !== undefined,
      hasAllocation: chosen.hasAllocation,
      blockBytesMin: chosen.entry.blockBytesMin ?? 1,
      payloadBytesMax: limits.payloadBytesMax,
    };
    this.#output = new Output(port, () => this.#pump());
    this.#operations = new Operations(port, chosen, this.#output, () => this.#pump());
  }

  /**
   * Answers what is in `chunk`. Returns false when not all could be used: then `chunk` must stay as it is, and nothing more
   * may come, until the port's `resume` is called.
   */
  receive(chunk: Uint8Array): boolean {
    this.#input.set(chunk);
    this.#arrivedAt = performance.now();
    this.#isFirst = true;
    this.#pump();
    this.#isPaused = !this.#isOver && (this.#input.available > 0 || this.#isBlocked());
    return !this.#isPaused;
  }

  /** The client has closed its side; it still gets its replies. */
  end(): void {
    this.#isEnding = true;
    this.#pump();
  }

  /** The server is stopping: what is in flight is finished, what comes now is refused. */
  close(): void {
    this.#isClosing = true;
    this.#pump();
  }

  /** The connection is gone. */
  abort(): void {
    this.#isOver = true;
    this.#operations.abort();
    if (this.#write !== undefined) this.#operations.hold(this.#write.pending);
    this.#write = undefined;
  }

  /** Settled when the backend is not in use any more, after `abort`. */
  async idle(): Promise<void> {
    await this.#operations.idle();
  }

  #isBlocked(): boolean {
    return (
      this.#isOver ||
      this.#isYielding ||
      this.#isChunkLent ||
      this.#output.isBlocked ||
      this.#write?.isBusy === true ||
      this.#operations.inFlight >= this.#requestsInFlightMax ||
      this.#operations.heldBytes >= Math.min(HELD_BYTES_MAX, this.#rules.payloadBytesMax)
    );
  }

  #pump(): void {
    if (this.#isPumping || this.#isOver) return;
    this.#isPumping = true;
    try {
      while (!this.#isBlocked() && this.#step());
      this.#output.flush();
    } catch (error) {
      this.abort();
      this.#port.fail(error);
    } finally {
      this.#isPumping = false;
    }
    this.#settle();
  }

  /** Does the next bit of work; false when there is none or the client has to read first. */
  #step(): boolean {
    if (!this.#output.hasRoom(SMALL_REPLY_BYTES_MAX)) return false;
    if (this.#read.isActive) return this.#readPiece();
    if (this.#write !== undefined) return this.#writePiece(this.#write);
    const isExtended = this.#style === 'extended';
    if (!this.#input.takeHeader(requestBytes(isExtended))) return false;
    const { headerView, headerAt } = this.#input;
    if (!this.#request.parse(headerView, headerAt, isExtended)) {
      throw new ConnectionFailure('bad-magic', 'a request does not begin with its magic');
    }
    this.#request.arrivedAt = this.#arrivedAt;
    this.#dispatch();
    return true;
  }

  #dispatch(): void {
    const request = this.#request;
    if (request.type === Command.DISC) {
      this.#isEnding = true;
      this.#input.drop();
      return;
    }
    const error = this.#isClosing ? ErrorValue.ESHUTDOWN : refusal(request, this.#rules);
    if (this.#hasPayload()) {
      this.#startWrite(error);
    } else if (error !== 0) {
      this.#fail(request, error);
    } else if (request.type === Command.READ) {
      this.#startRead();
    } else {
      this.#operations.run(request.copy());
    }
  }

  /** Whether data follows the request. With extended headers a flag says so, for any command. */
  #hasPayload(): boolean {
    const { type, flags, length } = this.#request;
    if (this.#style !== 'extended') return type === Command.WRITE;
    if ((flags & CommandFlag.PAYLOAD_LEN) === 0) return false;
    if (length > this.#rules.payloadBytesMax) {
      throw new ConnectionFailure('payload-too-long', `the payload of a request has ${length} bytes`);
    }
    return true;
  }

  #startRead(): void {
    const request = this.#request;
    if (request.length === 0) {
      this.#done(request);
      return;
    }
    const isDf = (request.flags & CommandFlag.DF) !== 0;
    if (isDf && request.length > PIECE_BYTES) {
      this.#fail(request, ErrorValue.EOVERFLOW);
      return;
    }
    if (this.#style === 'simple' && request.length > PIECE_BYTES) {
      this.#operations.readWhole(request.copy());
      return;
    }
    if (this.#operations.readsLater) {
      this.#operations.read(request.copy(), isDf);
      return;
    }
    const runs = this.#style === 'simple' || isDf ? [] : this.#operations.holesOf(request);
    if (runs instanceof Promise) this.#operations.read(request.copy(), isDf, runs);
    else this.#read.start(request, runs);
  }

  /** Answers the next piece of the READ that is being answered; false when the client has to read first. */
  #readPiece(): boolean {
    const job = this.#read;
    const output = this.#output;
    if (job.isHole) {
      output.used += putHole(output.frame, output.used, this.#style, job.request, job.offset, job.length, job.isLast);
      this.#readAdvanced(job);
      return true;
    }
    const headerBytes = dataHeaderBytes(this.#style);
    if (!output.hasRoom(headerBytes + job.length)) return false;
    const { frame, used } = output;
    const data = used + headerBytes;
    let pending: void | Promise<void>;
    try {
      pending = this.#backend.read(job.offset, frame.bytes.subarray(data, data + job.length));
    } catch (error) {
      this.#readFailed(job, error);
      return true;
    }
    if (pending !== undefined) {
      output.lend();
      this.#operations.continueRead(job.copy(), { frame, at: used }, pending);
      job.isActive = false;
      return true;
    }
    putDataHeader(frame, used, this.#style, job.request, job.offset, job.length, job.isLast);
    output.used = data + job.length;
    if (this.#isFirst && output.used >= FIRST_REPLIES_BYTES) {
      this.#isFirst = false;
      output.flush();
    }
    this.#took(job.length);
    this.#readAdvanced(job);
    return true;
  }

  #readAdvanced(job: ReadJob): void {
    job.advance();
    if (!job.isActive) this.#port.answered(job.request, 0);
  }

  #readFailed(job: ReadJob, error: unknown): void {
    this.#port.backendFailed(error);
    this.#fail(job.request, errorValueOf(error, job.request), job.offset);
    job.isActive = false;
  }

  #startWrite(error: number): void {
    const request = this.#request;
    const { length } = request;
    const isWrite = request.type === Command.WRITE;
    if (error !== 0 || !isWrite || length > this.#input.available || length === 0 || this.#writesLater) {
      this.#write = new WriteJob(request.copy(), error, () => this.#pump());
      return;
    }
    this.#took(length);
    let pending: void | Promise<void>;
    try {
      pending = this.#backend.write?.(request.offset, this.#input.take(length));
      if (pending === undefined && (request.flags & CommandFlag.FUA) !== 0) pending = this.#backend.flush?.();
      else if (pending !== undefined) this.#lendChunk(pending);
    } catch (failure) {
      this.#port.backendFailed(failure);
      this.#fail(request, errorValueOf(failure, request));
      return;
    }
    if (pending === undefined) this.#done(request);
    else this.#operations.settle(request.copy(), [pending]);
  }

  #lendChunk(pending: Promise<void>): void {
    this.#isChunkLent = true;
    this.#writesLater = true;
    const release = (): void => {
      this.#isChunkLent = false;
      this.#pump();
    };
    pending.then(release, release);
  }

  /** Takes what is there of a payload; false when more must come. */
  #writePiece(job: WriteJob): boolean {
    const before = this.#input.available;
    try {
      job.consume(this.#input, this.#backend);
    } catch (error) {
      this.#port.backendFailed(error);
      job.error = errorValueOf(error, job.request);
    }
    const taken = before - this.#input.available;
    this.#took(taken);
    if (job.left > 0) return taken > 0;
    this.#write = undefined;
    this.#writesLater = job.pending.length > 0;
    this.#answerWrite(job);
    return true;
  }

  #answerWrite({ request, error, pending }: WriteJob): void {
    const isDurable = (request.flags & CommandFlag.FUA) === 0 || this.#backend.flush === undefined;
    if (pending.length === 0 && error !== 0) this.#fail(request, error);
    else if (error !== 0) this.#operations.failAfter(request, error, pending);
    else if (pending.length === 0 && isDurable) this.#done(request);
    else this.#operations.settle(request, pending);
  }

  #took(bytes: number): void {
    this.#turnBytes += bytes;
    if (this.#turnBytes < TURN_BYTES || (this.#port.isAlone && this.#turnBytes < LONG_TURN_BYTES)) return;
    this.#turnBytes = 0;
    this.#isYielding = true;
    this.#port.later(() => {
      this.#isYielding = false;
      this.#pump();
    });
  }

  #done(request: Request): void {
    this.#output.used += putDone(this.#output.frame, this.#output.used, this.#style, request);
    this.#port.answered(request, 0);
  }

  #fail(request: Request, error: number, offset?: number): void {
    this.#output.used += putError(this.#output.frame, this.#output.used, this.#style, request, error, offset);
    this.#port.answered(request, error);
  }

  /** After work: memory goes back, more is asked for, or the conversation is over. */
  #settle(): void {
    if (this.#isOver) return;
    const isIdle =
      !this.#isBlocked() && this.#operations.inFlight === 0 && !this.#read.isActive && this.#input.available === 0;
    this.#output.release();
    if (isIdle && (this.#isEnding || (this.#isClosing && this.#write === undefined))) {
      this.abort();
      this.#port.finish(this.#isEnding);
      return;
    }
    if (!this.#isPaused || this.#isBlocked() || this.#input.available > 0) return;
    this.#isPaused = false;
    this.#port.resume();
  }
}
