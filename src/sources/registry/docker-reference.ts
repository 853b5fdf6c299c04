import { ImageError } from '../../core/errors.ts';
import { isDigest } from '../../core/oci/digest.ts';

/** What `docker://` names. */
export interface DockerReference {
  /** The registry as people write it, with its port where it has one: `docker.io`, `localhost:5000`, `[::1]:5000`. */
  readonly host: string;
  /** `library/debian`. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** `sha256:HEX`. Where there are both, the digest decides. */
  readonly digest: string | undefined;
}

const DEFAULT_HOST = 'docker.io';
const DEFAULT_TAG = 'latest';
const REFERENCE_MAX = 4096;
const NAME_MAX = 255;

const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const HOST = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]{2,45}\\])(?::[0-9]{1,5})?$`);
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;

/**
 * Reads what follows `docker:`: `//[HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]`, in the grammar of
 * https://pkg.go.dev/github.com/distribution/reference. The first part is a host when it has a dot, a colon or an upper-case
 * letter, or is `localhost`. Throws `option-invalid`.
 */
export function parseDockerReference(text: string): DockerReference {
  if (!text.startsWith('//') || text.length > REFERENCE_MAX)
    throw invalid('expected docker://[HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]');
  const [named = '', digest, ...rest] = text.slice(2).split('@');
  if (rest.length > 0 || (digest !== undefined && !isDigest(digest)))
    throw invalid('the digest is not sha256: and 64, or sha512: and 128 hexadecimal digits in lower case');
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag))
    throw invalid('the tag is not 1 to 128 letters, digits, _, . and -, the first no . or -');
  const { host, repository } = splitName(hasTag ? named.slice(0, colon) : named);
  return { host, repository, tag: tag ?? (digest === undefined ? DEFAULT_TAG : undefined), digest };
}

function splitName(name: string): { host: string; repository: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = /[.:A-Z]/.test(first) || first === 'localhost';
  const path = isHost ? name.slice(slash + 1) : name;
  const host = !isHost || first === 'index.docker.io' ? DEFAULT_HOST : first;
  if (!HOST.test(host) || !URL.canParse(`https://${host}`)) throw invalid('the registry is not HOST or HOST:PORT');
  if (!REPOSITORY.test(path)) {
    throw invalid(
      'the repository is not lower-case letters and digits, in parts that ., _, __ and - join and / divides',
    );
  }
  if (host.length + path.length >= NAME_MAX) throw invalid(`the name is longer than ${NAME_MAX} characters`);
  return { host, repository: host === DEFAULT_HOST && !path.includes('/') ? `library/${path}` : path };
}

/** The reference of a manifest by its digest: it means the same whatever happens to tags. */
export function pinnedReference({ host, repository }: DockerReference, digest: string): string {
  return `docker://${host}/${repository}@${digest}`;
}

/** Where the registry's API is: Docker Hub's is not at its name. */
export function apiHost(host: string): string {
  return host === DEFAULT_HOST ? 'registry-1.docker.io' : host;
}

function invalid(what: string): ImageError {
  return new ImageError('option-invalid', what);
}
