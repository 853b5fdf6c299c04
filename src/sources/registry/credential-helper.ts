import { execFile } from 'node:child_process';
import { errnoOf } from '../failure.ts';
import { type Credentials, recordOf } from './auth-file.ts';

/** A helper may ask its user something. In milliseconds. */
const TIME_MAX = 60_000;
const OUTPUT_BYTES_MAX = 64 * 1024;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const NOT_FOUND = 'credentials not found in native keychain';
/** In the place of a username: the secret is an identity token. */
const TOKEN_USERNAME = '<token>';

/**
 * Asks `docker-credential-NAME get` for the credentials of `server`; undefined when it has none. Throws an Error that says in a
 * few words what is wrong with it. https://github.com/docker/docker-credential-helpers#development
 */
export async function askCredentialHelper(
  name: string,
  server: string,
  signal: AbortSignal | undefined,
): Promise<Credentials | undefined> {
  if (!NAME.test(name)) throw new Error('the name of its credential helper is not that of a program');
  const program = `docker-credential-${name}`;
  const { error, stdout } = await output(program, server, signal);
  signal?.throwIfAborted();
  if (error !== null) {
    if (stdout.trim() === NOT_FOUND) return undefined;
    throw new Error(`${program} ${reasonOf(error)}`);
  }
  const credentials = parsed(stdout);
  if (credentials === undefined) throw new Error(`${program} prints no credentials`);
  return credentials;
}

type HelperError = Parameters<NonNullable<Parameters<typeof execFile>[3]>>[0];

async function output(
  program: string,
  input: string,
  signal: AbortSignal | undefined,
): Promise<{ error: HelperError; stdout: string }> {
  const limits = { timeout: TIME_MAX, killSignal: 'SIGKILL', maxBuffer: OUTPUT_BYTES_MAX, encoding: 'utf8' } as const;
  return new Promise((resolve) => {
    const options = signal === undefined ? limits : { ...limits, signal };
    const child = execFile(program, ['get'], options, (error, stdout) => resolve({ error, stdout }));
    // One that ends without reading is judged by what it printed.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** What it printed is not shown: it may hold a secret. */
function reasonOf(error: NonNullable<HelperError>): string {
  const errno = errnoOf(error);
  if (errno === 'ENOENT') return 'is not installed';
  if (errno === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `prints more than ${OUTPUT_BYTES_MAX} bytes`;
  if (errno !== undefined) return `cannot be started (${errno})`;
  return error.killed === true ? `has not ended after ${TIME_MAX / 1000} s` : 'failed';
}

function parsed(stdout: string): Credentials | undefined {
  try {
    const { Username: username, Secret: secret } = recordOf(JSON.parse(stdout));
    if (typeof username !== 'string' || typeof secret !== 'string' || secret === '') return undefined;
    if (username === TOKEN_USERNAME) return { kind: 'identity-token', token: secret };
    return { kind: 'password', username, password: secret };
  } catch {
    return undefined;
  }
}
