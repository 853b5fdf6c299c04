import type { DockerReference } from './docker-reference.ts';

/** What a registry or its token server lets somebody in with. */
export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** An OAuth 2 refresh token, which the token server exchanges. */
  | { readonly kind: 'identity-token'; readonly token: string }
  /** A bearer token, which the registry takes as it is. */
  | { readonly kind: 'registry-token'; readonly token: string };

/** What a file says of a registry: credentials, or the program that has them. */
export type AuthEntry =
  | Credentials
  /** `docker-credential-NAME`, to be asked about `server`. */
  | { readonly kind: 'helper'; readonly name: string; readonly server: string };

/** Docker Hub's other names, under which its credentials may be kept. */
const DOCKER_HUB_NAMES = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);
/** Docker's own key for it. */
const DOCKER_HUB_SERVER = 'https://index.docker.io/v1/';

/**
 * What an auth file says of a repository, in the order in which to try it: containers-auth.json(5) and docker's config.json.
 * A key is a host, a host with the first parts of a repository, of which the longest counts, or, of docker, a URL. Throws
 * SyntaxError for what is not JSON.
 */
export function authEntriesOf(json: string, { host, repository }: DockerReference): AuthEntry[] {
  const file = recordOf(JSON.parse(json));
  const server = host === 'docker.io' ? DOCKER_HUB_SERVER : host;
  const entries: AuthEntry[] = [];
  const helper = byName(recordOf(file['credHelpers']), host);
  if (typeof helper === 'string') entries.push({ kind: 'helper', name: helper, server });
  const auths = recordOf(file['auths']);
  for (const name of namesOf(host, repository)) {
    const credentials = credentialsOf(recordOf(byName(auths, name)));
    if (credentials === undefined) continue;
    entries.push(credentials);
    break;
  }
  const store = file['credsStore'];
  if (typeof store === 'string' && store !== '') entries.push({ kind: 'helper', name: store, server });
  return entries;
}

/** `host/a/b`, `host/a`, `host`. */
function namesOf(host: string, repository: string): string[] {
  const parts = [host, ...repository.split('/')];
  return parts.map((_, i) => parts.slice(0, parts.length - i).join('/'));
}

function byName(record: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(record, name)) return record[name];
  const key = Object.keys(record).find((candidate) => normalized(candidate) === name);
  return key === undefined ? undefined : record[key];
}

/** A URL is its host. */
function normalized(key: string): string {
  const [, ofUrl] = /^https?:\/\/([^/]+)/i.exec(key) ?? [];
  const name = ofUrl ?? key;
  return DOCKER_HUB_NAMES.has(name) ? 'docker.io' : name;
}

function credentialsOf(entry: Readonly<Record<string, unknown>>): Credentials | undefined {
  const { identitytoken, registrytoken, auth } = entry;
  if (isText(identitytoken)) return { kind: 'identity-token', token: identitytoken };
  if (isText(registrytoken)) return { kind: 'registry-token', token: registrytoken };
  if (isText(auth)) return passwordOf(Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, ''));
  const { username, password } = entry;
  return isText(username) && isText(password) ? { kind: 'password', username, password } : undefined;
}

function passwordOf(pair: string): Credentials | undefined {
  const colon = pair.indexOf(':');
  if (colon <= 0) return undefined;
  return { kind: 'password', username: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** The value when it is an object, else an empty one. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
