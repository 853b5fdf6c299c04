import { ImageError } from '../../core/errors.ts';
import { bodyOf, refusal } from './answer.ts';
import { type Credentials, recordOf } from './auth-file.ts';
import { exchange, type ExchangeOptions, type Request } from './exchange.ts';
import { persist } from './patience.ts';

const TOKEN_BYTES_MAX = 1024 * 1024;
const CLIENT_ID = 'blockloom';
/** A header's value: what else a token held would be an error of fetch that shows it. */
const TOKEN = /^[\x21-\x7e]{1,65536}$/;

/** What a bearer challenge asks for: https://distribution.github.io/distribution/spec/auth/token/ */
export interface TokenRequest {
  readonly realm: URL;
  readonly service: string | undefined;
  readonly scope: string;
}

/** A bearer token for the scope. Throws `registry-denied` when the token server refuses. */
export async function requestToken(
  request: TokenRequest,
  credentials: Credentials | undefined,
  options: ExchangeOptions,
): Promise<string> {
  if (credentials?.kind === 'registry-token') return checked(credentials.token, request);
  const answer = await persist(async () => {
    const [url, head] =
      credentials?.kind === 'identity-token' ? refresh(request, credentials.token) : query(request, credentials);
    const given = await exchange(url, head, options);
    if (given.status !== 200) throw await refusal(given);
    return Buffer.from(await bodyOf(given, TOKEN_BYTES_MAX)).toString('utf8');
  }, options);
  return tokenIn(answer, request);
}

/** https://distribution.github.io/distribution/spec/auth/oauth/ */
function refresh({ realm, service, scope }: TokenRequest, token: string): readonly [URL, Request] {
  const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: CLIENT_ID, scope, refresh_token: token });
  if (service !== undefined) body.set('service', service);
  return [realm, { method: 'POST', body }];
}

function query(
  { realm, service, scope }: TokenRequest,
  credentials: Extract<Credentials, { kind: 'password' }> | undefined,
): readonly [URL, Request] {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  url.searchParams.set('scope', scope);
  if (credentials === undefined) return [url, {}];
  url.searchParams.set('account', credentials.username);
  return [url, { authorization: basicAuthorization(credentials) }];
}

/** RFC 7617. */
export function basicAuthorization({ username, password }: Extract<Credentials, { kind: 'password' }>): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

function tokenIn(text: string, request: TokenRequest): string {
  try {
    const { token, access_token: accessToken } = recordOf(JSON.parse(text));
    return checked(token === undefined || token === '' ? accessToken : token, request);
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw noToken(request);
  }
}

function checked(token: unknown, request: TokenRequest): string {
  if (typeof token !== 'string' || !TOKEN.test(token)) throw noToken(request);
  return token;
}

function noToken({ realm }: TokenRequest): ImageError {
  return new ImageError('registry-failed', `the token server ${realm.host} gives no token`);
}
