/** Why a server cannot be started or an export cannot be served. */
export type NbdServerErrorCode =
  | 'bad-export'
  | 'bad-limit'
  | 'bad-tls'
  | 'closed'
  | 'insecure-bind'
  | 'no-activation'
  | 'socket-in-use'
  | 'socket-path';

/** A mistake of the one who runs the server, found before anything is served. */
export class NbdServerError extends Error {
  readonly code: NbdServerErrorCode;

  constructor(code: NbdServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NbdServerError';
    this.code = code;
  }
}

/** Why a connection was closed although its client did not ask for it. */
export type ConnectionFailureCode =
  | 'bad-magic'
  | 'client-flags'
  | 'early-plaintext'
  | 'option-limit'
  | 'option-order'
  | 'option-too-long'
  | 'payload-too-long'
  | 'read-failed-midway'
  | 'timeout'
  | 'too-many-connections'
  | 'truncated'
  | 'unknown-export';

/** The end of one connection; the server goes on. Messages never repeat what the client sent. */
export class ConnectionFailure extends Error {
  readonly code: ConnectionFailureCode;

  constructor(code: ConnectionFailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConnectionFailure';
    this.code = code;
  }
}
