import type { Opening } from '../opening.ts';
import { requestPlatform } from '../oci/requested-platform.ts';
import { resolveImage } from '../oci/resolve-image.ts';
import type { ResolvedReference } from '../resolve.ts';
import { parseDockerReference, pinnedReference } from './docker-reference.ts';
import { findCredentials } from './find-credentials.ts';
import { HttpPolicy } from './http-policy.ts';
import { DEFAULT_TIMING, type Timing } from './patience.ts';
import { RegistryClient } from './registry-client.ts';
import { RegistryContent } from './registry-content.ts';

/** How registries are spoken to. */
export interface RegistryOptions {
  /** Registries without TLS, as HOST or HOST:PORT; those of this machine may be without it anyway. */
  readonly plainHttp?: readonly string[] | undefined;
  /** The file of credentials, as `docker login` and `skopeo login` write it; default: where these and podman keep theirs. */
  readonly authFile?: string | undefined;
}

/** Finds an image in a registry; `name` is what follows `docker:` in its reference. Throws ImageError. */
export async function resolveRegistry(
  name: string,
  opening: Opening,
  wantedPlatform: string | undefined,
  { authFile, plainHttp = [] }: RegistryOptions,
  timing: Timing = DEFAULT_TIMING,
): Promise<ResolvedReference> {
  const { reference, signal } = opening;
  const onWarning = (what: string): void => opening.onWarning(`${reference}: ${what}`);
  const platform = requestPlatform(wantedPlatform, onWarning);
  const named = parseDockerReference(name);
  const search = async (): ReturnType<typeof findCredentials> =>
    findCredentials(named, { authFile, environment: process.env }, signal);
  const client = new RegistryClient(named, search, { policy: new HttpPolicy(plainHttp), timing, onWarning });
  const content = new RegistryContent(client, opening);
  return resolveImage({
    reference,
    transport: 'docker',
    content,
    top: await content.findTop(named),
    platform,
    pin: (digest) => pinnedReference(named, digest),
  });
}
