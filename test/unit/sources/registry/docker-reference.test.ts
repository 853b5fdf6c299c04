import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageError } from '../../../../src/core/errors.ts';
import {
  apiHost,
  type DockerReference,
  parseDockerReference,
  pinnedReference,
} from '../../../../src/sources/registry/docker-reference.ts';

const HEX = 'a'.repeat(64);
const DIGEST = `sha256:${HEX}`;

function parsedOrRefused(text: string): DockerReference | undefined {
  try {
    return parseDockerReference(text);
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}

describe('a docker reference', () => {
  it.each([
    ['//debian', 'docker.io', 'library/debian', 'latest', undefined],
    ['//debian:12', 'docker.io', 'library/debian', '12', undefined],
    ['//me/app', 'docker.io', 'me/app', 'latest', undefined],
    ['//docker.io/debian', 'docker.io', 'library/debian', 'latest', undefined],
    ['//index.docker.io/me/app:1', 'docker.io', 'me/app', '1', undefined],
    ['//localhost/app', 'localhost', 'app', 'latest', undefined],
    ['//localhost:5000/app', 'localhost:5000', 'app', 'latest', undefined],
    ['//Registry/app', 'Registry', 'app', 'latest', undefined],
    ['//example.com:5000/a/b/c:v1.2_3-x', 'example.com:5000', 'a/b/c', 'v1.2_3-x', undefined],
    ['//[::1]:5000/app:x', '[::1]:5000', 'app', 'x', undefined],
    ['//[fe80::1]/app', '[fe80::1]', 'app', 'latest', undefined],
    ['//127.0.0.1/a__b--c.d_e', '127.0.0.1', 'a__b--c.d_e', 'latest', undefined],
    [`//debian@${DIGEST}`, 'docker.io', 'library/debian', undefined, DIGEST],
    [`//debian:12@${DIGEST}`, 'docker.io', 'library/debian', '12', DIGEST],
  ])('%s', (text, host, repository, tag, digest) => {
    expect(parseDockerReference(text)).toEqual({ host, repository, tag, digest });
  });

  it.each([
    ['', 'expected docker://'],
    ['debian', 'expected docker://'],
    ['//', 'the repository'],
    ['//Debian', 'the repository'],
    ['//debian:', 'the tag'],
    ['//debian:-x', 'the tag'],
    [`//debian:${'x'.repeat(129)}`, 'the tag'],
    ['//debian@sha256:12', 'the digest'],
    [`//debian@sha256:${HEX.toUpperCase()}`, 'the digest'],
    [`//debian@md5:${HEX}`, 'the digest'],
    [`//debian@${DIGEST}@${DIGEST}`, 'the digest'],
    ['//a//b', 'the repository'],
    ['//a/../b', 'the repository'],
    ['//example.com/../../x', 'the repository'],
    ['//example.com/a?x=y', 'the repository'],
    ['//example.com/a%2f', 'the repository'],
    ['//user:pass@example.com/a', 'the digest'],
    ['//example.com:port/a', 'the registry'],
    ['//example.com:99999/a', 'the registry'],
    ['//-example.com/a', 'the registry'],
    ['//exa_mple.com/a', 'the registry'],
    ['//[::1/a', 'the registry'],
    ['//[1::2::3]/a', 'the registry'],
    [`//${'a/'.repeat(200)}a`, 'longer than 255'],
    [`//${'a'.repeat(5000)}`, 'expected docker://'],
  ])('%s is refused', (text, what) => {
    expect(() => parseDockerReference(text)).toThrow(
      expect.objectContaining({ code: 'option-invalid', what: expect.stringContaining(what) as string }),
    );
  });

  it('is read back from its pinned form', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,8}(?:[._-][a-z0-9]{1,8}){0,2}$/);
    const host = fc.constantFrom('docker.io', 'localhost', 'example.com:5000', '[::1]:80');
    fc.assert(
      fc.property(host, fc.array(part, { minLength: 1, maxLength: 4 }), (name, parts) => {
        const reference = parseDockerReference(`//${name}/${parts.join('/')}:tag`);
        const pinned = pinnedReference(reference, DIGEST);
        expect(parseDockerReference(pinned.replace('docker:', ''))).toEqual({
          ...reference,
          tag: undefined,
          digest: DIGEST,
        });
      }),
    );
  });

  it('never means another place than it says, whatever it holds', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zA-Z0-9./:@_[\]%?#\\ -]{0,60}$/), (text) => {
        const reference = parsedOrRefused(`//${text}`);
        if (reference === undefined) return;
        const url = new URL(`/v2/${reference.repository}/manifests/x`, `https://${apiHost(reference.host)}`);
        expect(url.pathname).toBe(`/v2/${reference.repository}/manifests/x`);
        expect([url.username, url.password, url.search, url.hash]).toEqual(['', '', '', '']);
      }),
    );
  });

  it("of Docker Hub is asked at Docker Hub's registry", () => {
    expect([apiHost('docker.io'), apiHost('example.com')]).toEqual(['registry-1.docker.io', 'example.com']);
  });
});
