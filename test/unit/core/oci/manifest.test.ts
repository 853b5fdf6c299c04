import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageError } from '../../../../src/core/errors.ts';
import { parseImageConfig, parseManifest } from '../../../../src/core/oci/manifest.ts';

const digest = `sha256:${'0'.repeat(64)}`;
const blob = (mediaType: string): object => ({ mediaType, digest, size: 7 });
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const config = blob('application/vnd.oci.image.config.v1+json');
const layer = blob('application/vnd.oci.image.layer.v1.tar+gzip');

describe('parseManifest', () => {
  it('reads a manifest', () => {
    const manifest = parseManifest(bytes({ schemaVersion: 2, config, layers: [layer] }), 'm');
    expect(manifest).toMatchObject({ kind: 'image', config: { digest }, layers: [{ size: 7 }] });
  });

  it('reads an index, with and without its type', () => {
    const manifests = [
      { ...blob('application/vnd.oci.image.manifest.v1+json'), platform: { os: 'linux', architecture: 'arm64' } },
    ];
    const expected = { kind: 'index', manifests: [{ digest, platform: { architecture: 'arm64' } }] };
    expect(parseManifest(bytes({ schemaVersion: 2, manifests }), 'm')).toMatchObject(expected);
    const mediaType = 'application/vnd.docker.distribution.manifest.list.v2+json';
    expect(parseManifest(bytes({ schemaVersion: 2, mediaType, manifests }), 'm')).toMatchObject(expected);
  });

  it.each([
    ['not JSON', new TextEncoder().encode('{'), 'oci-invalid', 'm is not JSON'],
    ['an array', bytes([]), 'oci-invalid', 'expected an object'],
    ['the first version', bytes({ schemaVersion: 1, fsLayers: [] }), 'layer-unsupported', "Docker's first version"],
    ['another type', bytes({ schemaVersion: 2, mediaType: 'text/x' }), 'oci-invalid', 'mediaType: "text/x"'],
    ['no layers', bytes({ schemaVersion: 2, config }), 'oci-invalid', 'layers: nothing, expected an array'],
    [
      'a bad digest',
      bytes({ config, layers: [{ ...layer, digest: 'sha256:12' }] }),
      'oci-invalid',
      'layers[0].digest: "sha256:12", expected sha256:HEX',
    ],
    ['a negative size', bytes({ config: { ...config, size: -1 }, layers: [] }), 'oci-invalid', 'config.size: -1'],
    [
      'an artifact',
      bytes({ config: blob('application/vnd.oci.empty.v1+json'), layers: [] }),
      'layer-unsupported',
      'm is not a container image',
    ],
    [
      'an encrypted layer',
      bytes({ config, layers: [layer, blob('application/vnd.oci.image.layer.v1.tar+gzip+encrypted')] }),
      'layer-unsupported',
      'layers[1]',
    ],
  ])('refuses %s', (_, document, code, message) => {
    const parse = (): unknown => parseManifest(document, 'm');
    expect(parse).toThrow(expect.objectContaining({ code }));
    expect(parse).toThrow(message);
  });

  it('takes any JSON, or says what is wrong', () => {
    const member = fc.oneof(fc.jsonValue(), fc.constantFrom(config, layer, [layer], [config], digest, 2));
    const document = fc.dictionary(
      fc.constantFrom('schemaVersion', 'mediaType', 'config', 'layers', 'manifests', 'rootfs', '__proto__'),
      member,
    );
    fc.assert(
      fc.property(document, (value) => {
        for (const parse of [parseManifest, parseImageConfig]) onlyImageError(() => parse(bytes(value), 'm'));
      }),
    );
  });
});

function onlyImageError(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
  }
}

describe('parseImageConfig', () => {
  it('reads platform and diffIDs', () => {
    const document = {
      os: 'linux',
      architecture: 'arm',
      variant: 'v6',
      rootfs: { type: 'layers', diff_ids: [digest] },
    };
    expect(parseImageConfig(bytes(document), 'c')).toEqual({
      platform: { os: 'linux', architecture: 'arm', variant: 'v6' },
      diffIds: [digest],
    });
  });

  it('refuses a diffID of another form', () => {
    const document = { rootfs: { diff_ids: [`sha512:${'0'.repeat(128)}`] } };
    expect(() => parseImageConfig(bytes(document), 'c')).toThrow('c, rootfs.diff_ids[0]');
  });
});
