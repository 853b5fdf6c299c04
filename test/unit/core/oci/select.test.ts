import { describe, expect, it } from 'vitest';
import type { Descriptor } from '../../../../src/core/oci/descriptor.ts';
import { parsePlatform } from '../../../../src/core/oci/platform.ts';
import { selectManifest } from '../../../../src/core/oci/select.ts';

const manifest = (platform: string | undefined, mediaType = ''): Descriptor => ({
  mediaType,
  digest: `sha256:${'0'.repeat(64)}`,
  size: 1,
  urls: [],
  ...(platform !== undefined && { platform: parsePlatform(platform) }),
});
const wanted = parsePlatform('linux/arm');

describe('selectManifest', () => {
  it('takes the best that runs', () => {
    const manifests = ['linux/amd64', 'linux/arm/v5', 'linux/arm/v6', 'linux/arm64'].map((each) => manifest(each));
    expect(selectManifest(manifests, wanted, 'i')).toBe(manifests[2]);
  });

  it('takes the only one of an index that names no platform', () => {
    const only = manifest(undefined);
    expect(selectManifest([manifest(undefined, 'application/vnd.example+json'), only], wanted, 'i')).toBe(only);
  });

  it.each([
    [[], 'it names no platform'],
    [[manifest('linux/amd64'), manifest('unknown/unknown')], 'it has linux/amd64, unknown/unknown'],
    [[manifest(undefined), manifest(undefined)], 'it names no platform'],
  ])('says what there is', (manifests, message) => {
    expect(() => selectManifest(manifests, wanted, 'i')).toThrow(message);
  });
});
