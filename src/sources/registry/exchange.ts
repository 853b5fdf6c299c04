import { ImageError } from '../../core/errors.ts';
import { connectionFailure } from './connection-failure.ts';
import type { HttpPolicy } from './http-policy.ts';
import { fetchFor } from './proxy.ts';
import { STALL_BYTES, TransientFailure, type WaitOptions } from './patience.ts';

/** What requests have in common. */
export interface ExchangeOptions extends WaitOptions {
  readonly policy: HttpPolicy;
  /** Hosts that have answered: one that no longer takes connections may do so again. */
  readonly answered: Set<string>;
}

/** A request without its address. */
export interface Request {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent to the first address only, and to others of the same origin. */
  readonly authorization?: string | undefined;
  readonly body?: URLSearchParams;
}

/** A server's answer. Its body has to be read or dropped. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Where it came from, after redirects. */
  readonly url: URL;
  /** Whether it was not the origin that was asked that answered. */
  readonly isForeign: boolean;
  /** Throws TransientFailure when the body breaks off or stalls. */
  bytes(): AsyncGenerator<Uint8Array>;
  drop(): Promise<void>;
}

const REDIRECTS_MAX = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Makes a request and follows redirects, within the policy's rules. Whatever the status of the answer is, it is returned.
 * Throws ImageError or TransientFailure.
 */
export async function exchange(url: URL, request: Request, options: ExchangeOptions): Promise<Answer> {
  let at = url;
  let isForeign = false;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const answer = await ask(at, isForeign ? { ...request, authorization: undefined } : request, options);
    if (!REDIRECTS.has(answer.status)) return { ...answer, isForeign };
    await answer.drop();
    const to = target(answer);
    options.policy.checkStep(at, to, 'redirects to');
    // Its body may hold a secret, and no token server redirects.
    if (request.method === 'POST') throw new ImageError('registry-failed', `${url.host} redirects what was sent to it`);
    // Once elsewhere, the way back does not bring the credentials back either.
    isForeign ||= to.origin !== url.origin;
    at = to;
  }
  throw new ImageError('registry-failed', `${url.host} redirects more than ${REDIRECTS_MAX} times`);
}

function target({ headers, url }: Answer): URL {
  const location = headers.get('location');
  if (location === null || !URL.canParse(location, url.href)) {
    throw new ImageError('registry-failed', `${url.host} redirects to nowhere`);
  }
  return new URL(location, url);
}

/** One request and the head of its answer. */
async function ask(
  url: URL,
  { method = 'GET', headers, authorization, body }: Request,
  { timing, signal, answered }: ExchangeOptions,
): Promise<Answer> {
  const ending = new AbortController();
  const timer = setTimeout(
    () => ending.abort(stalled(url, 'does not answer within', timing.answerMilliseconds)),
    timing.answerMilliseconds,
  );
  try {
    const send = await fetchFor(url, process.env);
    const response = await send(url, {
      method,
      redirect: 'manual',
      headers: {
        // Digests and ranges are those of the content as it is.
        'accept-encoding': 'identity',
        'user-agent': 'blockloom',
        ...headers,
        ...(authorization === undefined ? {} : { authorization }),
      },
      ...(body === undefined ? {} : { body }),
      signal: signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal]),
    });
    answered.add(url.host);
    return {
      status: response.status,
      headers: response.headers,
      url,
      isForeign: false,
      bytes: () => bodyBytes(response, url, ending, { timing, signal }),
      drop: async () => response.body?.cancel().catch(() => undefined),
    };
  } catch (error) {
    signal?.throwIfAborted();
    throw connectionFailure(ending.signal.aborted ? ending.signal.reason : error, url, answered.has(url.host));
  } finally {
    clearTimeout(timer);
  }
}

/** The body as it comes, watched: of the time, only what passes in waiting for the server counts. */
async function* bodyBytes(
  response: Response,
  url: URL,
  ending: AbortController,
  { timing, signal }: Pick<ExchangeOptions, 'timing' | 'signal'>,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  let timeLeft = timing.stallMilliseconds;
  let bytesLeft = STALL_BYTES;
  const giveUp = (): void =>
    ending.abort(stalled(url, `sends fewer than ${STALL_BYTES} bytes in`, timing.stallMilliseconds));
  try {
    for (;;) {
      const start = performance.now();
      const timer = setTimeout(giveUp, timeLeft);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (done) return;
      timeLeft -= performance.now() - start;
      bytesLeft -= value.length;
      if (bytesLeft <= 0) {
        timeLeft = timing.stallMilliseconds;
        bytesLeft = STALL_BYTES;
      }
      yield value;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw connectionFailure(ending.signal.aborted ? ending.signal.reason : error, url, true);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function stalled(url: URL, what: string, milliseconds: number): TransientFailure {
  return new TransientFailure(new ImageError('registry-failed', `${url.host} ${what} ${milliseconds / 1000} s`));
}
