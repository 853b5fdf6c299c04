import { State } from '../protocol.ts';
import { PIECE_BYTES } from './output.ts';
import type { Request } from './request.ts';
import type { Run } from './runs.ts';

/** A READ that is answered in pieces, holes and data. The object serves one request after the other. */
export class ReadJob {
  isActive = false;
  request: Request;
  offset = 0;
  end = 0;
  #runs: readonly Run[] = [];
  #runIndex = 0;
  #runEnd = 0;
  /** The next piece, from `offset` on. */
  length = 0;
  isHole = false;

  constructor(request: Request) {
    this.request = request;
  }

  /** `runs` begin where the request does and do not go past it; what they leave out is data. */
  start(request: Request, runs: readonly Run[]): void {
    this.isActive = true;
    this.request = request;
    this.offset = request.offset;
    this.end = request.offset + request.length;
    this.#runs = runs;
    this.#runIndex = -1;
    this.#runEnd = this.offset;
    this.#nextPiece();
  }

  get isLast(): boolean {
    return this.offset + this.length === this.end;
  }

  /** The piece has been answered. */
  advance(): void {
    this.offset += this.length;
    if (this.offset === this.end) this.isActive = false;
    else this.#nextPiece();
  }

  /** The same job for somebody who comes back later. */
  copy(): ReadJob {
    const copy = Object.assign(new ReadJob(this.request.copy()), {
      isActive: this.isActive,
      offset: this.offset,
      end: this.end,
      length: this.length,
      isHole: this.isHole,
    });
    copy.#runs = this.#runs;
    copy.#runIndex = this.#runIndex;
    copy.#runEnd = this.#runEnd;
    return copy;
  }

  #nextPiece(): void {
    if (this.offset === this.#runEnd) {
      const run = this.#runs[++this.#runIndex];
      this.#runEnd = this.offset + (run?.length ?? this.end - this.offset);
      this.isHole = run !== undefined && (run.state & State.ZERO) !== 0;
    }
    this.length = this.#runEnd - this.offset;
    if (!this.isHole && this.length > PIECE_BYTES) this.length = PIECE_BYTES;
  }
}
