import type { Backend } from '../backend.ts';
import type { Input } from './input.ts';
import { PIECE_BYTES } from './output.ts';
import type { Request } from './request.ts';

/** Staged pieces end at multiples of this, so that no block of a backend is written by two pieces at once. */
const PIECE_UNIT = 4096;

/** Pieces of one request that a backend may be busy with at the same time. */
const UNSETTLED_MAX = 4;

/** A WRITE whose payload comes in several chunks: it is written in pieces as it comes, never gathered whole. */
export class WriteJob {
  readonly request: Request;
  /** Payload that has not been received. */
  left: number;
  /** The error value that answers the request; its payload is passed over. */
  error: number;
  /** Pieces that the backend has not finished. */
  readonly pending: Promise<void>[] = [];
  #staged: Uint8Array | undefined;
  #stagedLength = 0;
  #offset: number;
  #unsettled = 0;
  readonly #settled: () => void;

  /** `request` is kept; `settled` is called when the backend has finished a piece that it did not finish at once. */
  constructor(request: Request, error: number, settled: () => void) {
    this.request = request;
    this.left = request.length;
    this.error = error;
    this.#offset = request.offset;
    this.#settled = settled;
  }

  /** The backend has enough to do; no more is taken for now. */
  get isBusy(): boolean {
    return this.#unsettled >= UNSETTLED_MAX;
  }

  /** Takes what is there of the payload and writes the pieces that are whole. Throws what the backend throws. */
  consume(input: Input, backend: Backend): void {
    if (this.error !== 0) {
      this.left -= input.take(Math.min(this.left, input.available)).length;
      return;
    }
    while (this.left > 0 && input.available > 0 && !this.isBusy) {
      this.#staged ??= new Uint8Array(Math.min(this.left, PIECE_BYTES - (this.#offset % PIECE_UNIT)));
      const room = this.#staged.length - this.#stagedLength;
      const part = input.take(Math.min(room, input.available));
      this.#staged.set(part, this.#stagedLength);
      this.#stagedLength += part.length;
      this.left -= part.length;
      if (part.length === room) this.#writeStaged(this.#staged, backend);
    }
  }

  #writeStaged(piece: Uint8Array, backend: Backend): void {
    const offset = this.#offset;
    this.#offset += piece.length;
    this.#stagedLength = 0;
    const result = backend.write?.(offset, piece);
    if (result === undefined) {
      // The backend is done with it; the next piece may be another length only at the end.
      if (piece.length !== Math.min(this.left, PIECE_BYTES)) this.#staged = undefined;
      return;
    }
    this.#staged = undefined;
    this.pending.push(result);
    this.#unsettled++;
    const settled = (): void => {
      this.#unsettled--;
      this.#settled();
    };
    result.then(settled, settled);
  }
}
