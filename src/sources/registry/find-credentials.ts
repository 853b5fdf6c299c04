import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ImageError } from '../../core/errors.ts';
import { errnoOf } from '../failure.ts';
import { type AuthEntry, authEntriesOf, type Credentials } from './auth-file.ts';
import { askCredentialHelper } from './credential-helper.ts';
import type { DockerReference } from './docker-reference.ts';

/** Credentials, and what to tell of the search for them. */
export interface CredentialSearch {
  readonly credentials: Credentials | undefined;
  /** Where they are from, or every place that was looked at, with what was wrong there. */
  readonly places: readonly string[];
}

/** Where credentials are looked for. */
export interface CredentialPlaces {
  /** The only file to look in, where it is given. */
  readonly authFile: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const FILE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Looks for the credentials of a repository as skopeo and podman do: in `authFile`, else in `$REGISTRY_AUTH_FILE`, else in
 * containers' auth.json and docker's config.json, in this order. A place that cannot be used is noted and passed: what is
 * wanted may be public. Throws `option-invalid` when a file that was asked for cannot be read.
 */
export async function findCredentials(
  reference: DockerReference,
  { authFile, environment }: CredentialPlaces,
  signal: AbortSignal | undefined,
): Promise<CredentialSearch> {
  const chosen = authFile ?? (environment['REGISTRY_AUTH_FILE'] || undefined);
  const places: string[] = [];
  for (const path of chosen === undefined ? defaultFiles(environment) : [chosen]) {
    const read = await readEntries(path, reference);
    if (chosen !== undefined && 'problem' in read)
      throw new ImageError('option-invalid', `the file of credentials ${path} ${read.problem}`);
    if ('problem' in read) places.push(read.problem === MISSING ? path : `${path}, which ${read.problem}`);
    const { credentials, problems } = await firstUsable('entries' in read ? read.entries : [], reference, signal);
    if (credentials !== undefined) return { credentials, places: [path] };
    if ('entries' in read) places.push([path, ...problems].join(', but '));
  }
  return { credentials: undefined, places };
}

const MISSING = 'does not exist';

function defaultFiles(environment: CredentialPlaces['environment']): string[] {
  const absolute = (name: string): string | undefined => {
    const value = environment[name];
    return value !== undefined && isAbsolute(value) ? value : undefined;
  };
  const runtime = absolute('XDG_RUNTIME_DIR');
  const containers = runtime === undefined ? `/run/containers/${process.getuid?.() ?? 0}` : join(runtime, 'containers');
  const home = homeOf(environment);
  const below = (folder: string | undefined, name: string): string[] =>
    folder === undefined ? [] : [join(folder, name)];
  return [
    join(containers, 'auth.json'),
    ...below(absolute('XDG_CONFIG_HOME') ?? below(home, '.config')[0], 'containers/auth.json'),
    ...below(environment['DOCKER_CONFIG'] || below(home, '.docker')[0], 'config.json'),
  ];
}

/** Undefined for a user without a home. */
function homeOf(environment: CredentialPlaces['environment']): string | undefined {
  try {
    return environment['HOME'] || homedir();
  } catch {
    return undefined;
  }
}

async function readEntries(
  path: string,
  reference: DockerReference,
): Promise<{ entries: readonly AuthEntry[] } | { problem: string }> {
  try {
    const text = await readFile(path, 'utf8');
    if (text.length > FILE_BYTES_MAX) return { problem: `is larger than ${FILE_BYTES_MAX} bytes` };
    return { entries: text.trim() === '' ? [] : authEntriesOf(text, reference) };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return { problem: MISSING };
    return { problem: errno === undefined ? 'is not JSON' : `cannot be read (${errno})` };
  }
}

async function firstUsable(
  entries: readonly AuthEntry[],
  { host }: DockerReference,
  signal: AbortSignal | undefined,
): Promise<{ credentials: Credentials | undefined; problems: readonly string[] }> {
  const problems: string[] = [];
  for (const entry of entries) {
    if (entry.kind !== 'helper') return { credentials: entry, problems };
    try {
      const credentials = await askCredentialHelper(entry.name, entry.server, signal);
      if (credentials !== undefined) return { credentials, problems };
      problems.push(`docker-credential-${entry.name} has none for ${host}`);
    } catch (error) {
      signal?.throwIfAborted();
      problems.push((error as Error).message);
    }
  }
  return { credentials: undefined, problems };
}
