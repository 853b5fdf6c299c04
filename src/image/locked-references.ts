import type { LayerIdentity } from '../core/layer/identity.ts';
import type { LockedReference } from '../core/lock/reference.ts';
import { platformText } from '../core/oci/platform.ts';
import type { MetadataPolicy } from '../core/tree/metadata.ts';
import { identifyLayers } from '../sources/identify.ts';
import { inputOf, type LayerInput } from '../sources/layer-input.ts';
import type { OpenedLayers } from '../sources/open-layers.ts';
import type { ResolvedReference } from '../sources/resolve.ts';
import { lockFiles, unlockFiles } from './locked-files.ts';

/** References and what they led to. Layers whose digest is not known are read whole. Throws as reading them does. */
export async function lockReferences(
  { layers, references }: OpenedLayers,
  metadata: MetadataPolicy,
  options: Parameters<typeof identifyLayers>[2],
): Promise<LockedReference[]> {
  const locked: LockedReference[] = [];
  // Files first: a file that changes after it was digested here changes while its layer is read.
  const files = [];
  for (const reference of references) files.push(reference.files && (await lockFiles(reference.files)));
  const identities = await identifyLayers(layers, metadata, options);
  let next = 0;
  for (const [i, reference] of references.entries()) {
    const first = next;
    next += reference.layers.length;
    locked.push(lockReference(reference, files[i], identities.slice(first, next)));
  }
  return locked;
}

function lockReference(
  { reference, at, origin }: ResolvedReference,
  files: LockedReference['files'],
  layers: readonly LayerIdentity[],
): LockedReference {
  const given = {
    reference,
    ...(at === undefined ? {} : { at }),
    ...(files === undefined ? {} : { files }),
  };
  if (origin === undefined) return { ...given, layers };
  const { pinned, manifestDigest, platform } = origin;
  return {
    ...given,
    pinned,
    ...(manifestDigest === undefined ? {} : { manifest: manifestDigest }),
    ...(platform.os === '' ? {} : { platform: platformText(platform) }),
    layers: layers.map((identity, i) => ({ ...blobOf(origin.layers[i]?.digest), ...identity })),
  };
}

function blobOf(digest: string | undefined): { blob?: string } {
  return digest === undefined ? {} : { blob: digest };
}

/** What a locked reference is opened from: the image that it stood for, where that can be named. Throws `lock-invalid`. */
export function unlockReference({ reference, pinned, at, files }: LockedReference): LayerInput {
  return inputOf({ reference: pinned ?? reference, at, files: files && unlockFiles(files) });
}
