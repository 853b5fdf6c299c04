import type { Backend, Extent } from '../backend.ts';
import type { Chosen } from '../negotiation/policy.ts';
import { Command, CommandFlag, type ReplyStyle } from '../protocol.ts';
import { blockStatusReply, DESCRIPTORS_MAX } from './block-status.ts';
import { giveFrame, takeFrame } from './frames.ts';
import type { Output } from './output.ts';
import type { Port } from './port.ts';
import { ReadJob } from './read-job.ts';
import {
  type Frame,
  dataHeaderBytes,
  newFrame,
  putDataHeader,
  putDone,
  putError,
  putHole,
  SMALL_REPLY_BYTES_MAX,
} from './replies.ts';
import type { Request } from './request.ts';
import { type Run, runsOf } from './runs.ts';
import { errorValueOf } from './validity.ts';
import { writeZeros } from './write-zeros.ts';

/** Shorter reads are answered with data, whatever it is: a hole is not worth looking for. */
const HOLES_FROM_BYTES = 8192;
/** Holes begin and end at multiples of this; smaller ones go as data. */
const HOLE_UNIT = 4096;

/** Commands other than WRITE after which FUA has something to make durable. */
const CHANGING: ReadonlySet<number> = new Set([Command.TRIM, Command.WRITE_ZEROES]);

/** Memory that a promised read fills: data behind the room for its header, which begins at `at`. */
interface Place {
  readonly frame: Frame;
  readonly at: number;
}

/** What a session does that is not done at once, or too rarely to be worth a path of its own. */
export class Operations {
  readonly #port: Port;
  readonly #backend: Backend;
  readonly #style: ReplyStyle;
  readonly #output: Output;
  readonly #changed: () => void;
  readonly #blockBytesMin: number;
  #isAborted = false;
  #isPumpSoon = false;
  #waiting: (() => void)[] = [];
  /** Requests whose reply is not with the client's socket. */
  inFlight = 0;
  /** Data of replies that are gathered whole before they can be sent, in bytes. */
  heldBytes = 0;
  /** The backend's last read was a promise: the next will be too, and gets memory of its own. */
  readsLater = false;

  /** `changed` is called when something in flight has landed. */
  constructor(port: Port, chosen: Chosen, output: Output, changed: () => void) {
    this.#port = port;
    this.#backend = chosen.backend;
    this.#style = chosen.style;
    this.#blockBytesMin = chosen.entry.blockBytesMin ?? 1;
    this.#output = output;
    this.#changed = changed;
  }

  abort(): void {
    this.#isAborted = true;
  }

  /** Everything but READ and WRITE; `request` is kept. */
  run(request: Request): void {
    let pending: void | Promise<void>;
    try {
      pending = this.#start(request);
      const isFua = (request.flags & CommandFlag.FUA) !== 0 && CHANGING.has(request.type);
      if (pending === undefined && isFua) pending = this.#backend.flush?.();
    } catch (error) {
      this.#port.backendFailed(error);
      this.#fail(request, errorValueOf(error, request));
      return;
    }
    if (request.type === Command.BLOCK_STATUS) return;
    if (pending === undefined) this.#done(request);
    else this.settle(request, [pending]);
  }

  #start(request: Request): void | Promise<void> {
    const { offset, length, flags } = request;
    switch (request.type) {
      case Command.FLUSH:
        return this.#backend.flush?.();
      case Command.TRIM:
        return this.#backend.trim?.(offset, length);
      case Command.CACHE:
        return this.#backend.cache?.(offset, length);
      case Command.WRITE_ZEROES: {
        const options = { noHole: (flags & CommandFlag.NO_HOLE) !== 0, fast: (flags & CommandFlag.FAST_ZERO) !== 0 };
        return this.#backend.zero === undefined
          ? writeZeros(this.#backend, offset, length, options)
          : this.#backend.zero(offset, length, options);
      }
      default:
        this.#blockStatus(request);
    }
  }

  /** Answers when all of `pending` has succeeded and, with FUA, was flushed; `request` is kept. */
  settle(request: Request, pending: readonly Promise<void>[]): void {
    this.#track(request, async () => {
      await Promise.all(pending);
      if ((request.flags & CommandFlag.FUA) !== 0) await this.#backend.flush?.();
      this.#done(request);
    });
  }

  /** Answers with an error when nothing of `pending` is going on any more; `request` is kept. */
  failAfter(request: Request, error: number, pending: readonly Promise<void>[]): void {
    this.#track(request, async () => {
      await Promise.allSettled(pending);
      this.#fail(request, error);
    });
  }

  /** Counts work in flight that nobody waits for any more. */
  hold(pending: readonly Promise<void>[]): void {
    this.#follow(
      async () => {
        await Promise.allSettled(pending);
      },
      () => {},
    );
  }

  /** Settled when nothing is in flight; the backend is not in use then. */
  async idle(): Promise<void> {
    while (this.inFlight > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Reads all before the reply begins: a simple reply cannot take back what it has said. `request` is kept. */
  readWhole(request: Request): void {
    this.heldBytes += request.length;
    this.#track(request, async () => {
      const header = dataHeaderBytes(this.#style);
      const frame = takeFrame(header + request.length);
      const reply = frame.bytes.subarray(0, header + request.length);
      try {
        await this.#backend.read(request.offset, reply.subarray(header));
        putDataHeader(frame, 0, this.#style, request, request.offset, request.length, true);
        await this.#write(reply);
        this.#port.answered(request, 0);
        giveFrame(frame);
      } finally {
        this.heldBytes -= request.length;
      }
    });
  }

  /** A READ of a backend that is expected to answer later; `request` is kept. */
  read(request: Request, isDf: boolean, runs?: Promise<Run[]>): void {
    const job = new ReadJob(request);
    this.#trackRead(job, async () => {
      const holes = isDf || this.#style === 'simple' ? [] : await (runs ?? this.holesOf(request));
      job.start(request, holes);
      await this.#readPieces(job);
    });
  }

  /** Goes on with a READ whose next piece is being read into `place`; `job` is kept. */
  continueRead(job: ReadJob, place: Place, pending: Promise<void>): void {
    this.readsLater = true;
    this.#trackRead(job, async () => {
      await pending;
      await this.#writePiece(job, place);
      if (job.isActive) await this.#readPieces(job);
    });
  }

  async #readPieces(job: ReadJob): Promise<void> {
    const header = dataHeaderBytes(this.#style);
    while (job.isActive && !this.#isAborted) {
      if (job.isHole) {
        const frame = newFrame(SMALL_REPLY_BYTES_MAX);
        const length = putHole(frame, 0, this.#style, job.request, job.offset, job.length, job.isLast);
        await this.#writeNext(job, frame.bytes.subarray(0, length));
        continue;
      }
      const place = { frame: takeFrame(header + job.length), at: 0 };
      const pending = this.#backend.read(job.offset, place.frame.bytes.subarray(header, header + job.length));
      this.readsLater = pending !== undefined;
      await pending;
      await this.#writePiece(job, place);
      giveFrame(place.frame);
    }
  }

  async #writePiece(job: ReadJob, { frame, at }: Place): Promise<void> {
    putDataHeader(frame, at, this.#style, job.request, job.offset, job.length, job.isLast);
    const bytes = frame.bytes.subarray(at, at + dataHeaderBytes(this.#style) + job.length);
    await this.#writeNext(job, bytes);
  }

  /** Writes the answer to the next piece of a READ. */
  async #writeNext(job: ReadJob, bytes: Uint8Array): Promise<void> {
    job.advance();
    await this.#write(bytes);
    if (!job.isActive) this.#port.answered(job.request, 0);
  }

  /** The holes of a READ, or nothing where looking for them is not worth it or not possible. */
  holesOf({ offset, length }: Request): Run[] | Promise<Run[]> {
    if (length < HOLES_FROM_BYTES || this.#backend.extents === undefined) return [];
    const runs = (extents: Iterable<Extent>): Run[] =>
      runsOf(extents, offset, offset + length, HOLE_UNIT, DESCRIPTORS_MAX);
    // The data may be readable all the same.
    const failed = (error: unknown): Run[] => {
      this.#port.backendFailed(error);
      return [];
    };
    try {
      const extents = this.#backend.extents(offset, length, HOLE_UNIT);
      return extents instanceof Promise ? extents.then(runs).catch(failed) : runs(extents);
    } catch (error) {
      return failed(error);
    }
  }

  #blockStatus(request: Request): void {
    const { offset, length, flags } = request;
    const unit = this.#blockBytesMin;
    const countMax = (flags & CommandFlag.REQ_ONE) !== 0 ? 1 : DESCRIPTORS_MAX;
    const reply = (extents: Iterable<Extent>): Uint8Array =>
      blockStatusReply(this.#style, request, runsOf(extents, offset, offset + length, unit, countMax)).bytes;
    const extents = this.#backend.extents?.(offset, length, unit) ?? [{ offset, length, hole: false }];
    if (extents instanceof Promise) {
      this.#track(request, async () => {
        await this.#write(reply(await extents));
        this.#port.answered(request, 0);
      });
      return;
    }
    const bytes = reply(extents);
    if (bytes.length > SMALL_REPLY_BYTES_MAX) {
      this.#track(request, async () => {
        await this.#write(bytes);
        this.#port.answered(request, 0);
      });
      return;
    }
    this.#send((frame, at) => {
      frame.bytes.set(bytes, at);
      return bytes.length;
    });
    this.#port.answered(request, 0);
  }

  /** Counts a request as in flight until `work` is done; what `work` throws is its answer. */
  #track(request: Request, work: () => Promise<void>): void {
    this.#follow(work, (error) => {
      this.#fail(request, errorValueOf(error, request));
    });
  }

  #trackRead(job: ReadJob, work: () => Promise<void>): void {
    this.#follow(work, (error) => {
      const { request } = job;
      const offset = job.isActive ? job.offset : undefined;
      this.#fail(request, errorValueOf(error, request), offset);
    });
  }

  #follow(work: () => Promise<void>, failed: (error: unknown) => void): void {
    this.inFlight++;
    const landed = (): void => {
      this.inFlight--;
      this.#pumpSoon();
    };
    work().then(landed, (error: unknown) => {
      this.#port.backendFailed(error);
      if (!this.#isAborted) failed(error);
      landed();
    });
  }

  /** Replies of promises that settle together leave together. */
  #pumpSoon(): void {
    if (this.#isPumpSoon) return;
    this.#isPumpSoon = true;
    queueMicrotask(() => {
      this.#isPumpSoon = false;
      this.#changed();
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
  }

  #done(request: Request): void {
    this.#send((frame, at) => putDone(frame, at, this.#style, request));
    this.#port.answered(request, 0);
  }

  #fail(request: Request, error: number, offset?: number): void {
    this.#send((frame, at) => putError(frame, at, this.#style, request, error, offset));
    this.#port.answered(request, error);
  }

  /** Sends a small reply, with what else is waiting when there is room. */
  #send(put: (frame: Frame, at: number) => number): void {
    if (this.#isAborted) return;
    const output = this.#output;
    if (output.hasRoom(SMALL_REPLY_BYTES_MAX)) {
      output.used += put(output.frame, output.used);
      return;
    }
    const frame = newFrame(SMALL_REPLY_BYTES_MAX);
    const bytes = frame.bytes.subarray(0, put(frame, 0));
    this.#follow(
      async () => this.#write(bytes),
      () => {},
    );
  }

  /** Writes and waits until the client's socket has taken it, so that a client that does not read holds no more memory. */
  async #write(bytes: Uint8Array): Promise<void> {
    if (this.#isAborted) return;
    await new Promise<void>((resolve) => this.#port.write(bytes, resolve));
  }
}
