import { ImageError } from '../../core/errors.ts';
import { errnoOf } from '../failure.ts';
import { TransientFailure } from './patience.ts';

const CERTIFICATE = /CERT|SIGNATURE|ISSUER|^ERR_TLS/;
const NO_TLS = /^(?:EPROTO|ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/;

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection is refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ENOTFOUND: 'the name of the host is not known',
  EAI_AGAIN: 'names of hosts cannot be resolved now',
  ETIMEDOUT: 'no connection within the time limit',
  UND_ERR_CONNECT_TIMEOUT: 'no connection within the time limit',
  UND_ERR_SOCKET: 'the connection was closed',
};

/** What is not worth another attempt at a host that never answered. */
const FINAL = new Set(['ECONNREFUSED', 'ENOTFOUND', 'UND_ERR_ABORTED']);

/** A request that brought no answer, or a body that broke off, as an error that says where and why. */
export function connectionFailure(error: unknown, url: URL, hasAnswered: boolean): Error {
  if (error instanceof ImageError || error instanceof TransientFailure) return error;
  const code = deepestCode(error);
  const { what, isFinal } = explained(code, error, url, hasAnswered);
  const failure = new ImageError('registry-failed', `${url.host}: ${what}`, {}, { cause: error });
  return isFinal ? failure : new TransientFailure(failure);
}

/** Whether a server that was spoken to in TLS answered with something else. */
export function speaksNoTls(error: unknown): boolean {
  return NO_TLS.test(deepestCode(error) ?? '');
}

function explained(
  code: string | undefined,
  error: unknown,
  url: URL,
  hasAnswered: boolean,
): { what: string; isFinal: boolean } {
  if (code === undefined) {
    const message = deepestMessage(error);
    // https://fetch.spec.whatwg.org/#port-blocking
    if (message === 'bad port') return { what: 'this port is none that fetch speaks to', isFinal: true };
    return { what: `the transfer failed (${message})`, isFinal: false };
  }
  if (NO_TLS.test(code) || code.startsWith('ERR_SSL'))
    return { what: `no TLS is spoken there (${code}); --plain-http ${url.host} allows http`, isFinal: true };
  if (CERTIFICATE.test(code)) {
    const hint = 'NODE_EXTRA_CA_CERTS=FILE adds authorities';
    return { what: `its certificate is not trusted (${code}); ${hint}`, isFinal: true };
  }
  const reason = REASONS[code] ?? `the connection failed: ${deepestMessage(error)}`;
  return { what: `${reason} (${code})`, isFinal: !hasAnswered && FINAL.has(code) };
}

/** fetch wraps what happened; several addresses of a host make a list of it. */
function innermost(error: unknown): unknown {
  let inner = error;
  for (let depth = 0; depth < 8; depth++) {
    const next = inner instanceof AggregateError ? inner.errors[0] : inner instanceof Error ? inner.cause : undefined;
    if (next === undefined) break;
    inner = next;
  }
  return inner;
}

function deepestCode(error: unknown): string | undefined {
  const failure = error instanceof TransientFailure ? error.failure : error;
  return errnoOf(innermost(failure));
}

function deepestMessage(error: unknown): string {
  const inner = innermost(error);
  return inner instanceof Error ? inner.message : String(inner);
}
