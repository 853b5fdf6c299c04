import type { Request } from './request.ts';

/** What a session sees of its connection. */
export interface Port {
  /** Sends; `bytes` may be changed when `isDrained` afterwards, or else when `written` is called. */
  write(bytes: Uint8Array, written: () => void): void;
  /** Nothing that was written waits for the client. */
  readonly isDrained: boolean;
  /** Everything that was received is used up; more is wanted, after `receive` had returned false. */
  resume(): void;
  /** Everything is answered and the conversation over; whether because the client said so. */
  finish(isClientDone: boolean): void;
  /** The connection must end at once: a ConnectionFailure says why, anything else is a mistake of ours. */
  fail(error: unknown): void;
  /** There are no other connections. */
  readonly isAlone: boolean;
  /** Calls back when other connections have had their turn. */
  later(callback: () => void): void;
  /** A backend failed; the client has been told without details. */
  backendFailed(error: unknown): void;
  /** The reply to `request` is complete, with an error value or 0. The object is used again. */
  answered(request: Request, error: number): void;
}
