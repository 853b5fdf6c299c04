import { chmodSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { errorAnswer, FakeImage, FakeServer, type Intercept, sha256 } from '../../../helpers/fake-registry.ts';
import { failureOf, hurried, pull, registryOf, TAR } from '../../../helpers/registry-pull.ts';
import { makeTar } from '../../../helpers/tar-writer.ts';
import { scratch } from '../../../helpers/scratch.ts';

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;

/** A file of credentials. */
function authFile(content: object): string {
  const path = join(scratch(), 'auth.json');
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const authFor = (registry: FakeServer, pair: string): string =>
  authFile({ auths: { [`127.0.0.1:${registry.port}`]: { auth: Buffer.from(pair).toString('base64') } } });

/** Wants `authorization` to be one of those that `isGood`, and sends others away with `challenge`. */
function guarded(isGood: (authorization: string) => boolean, challenge: () => string): Intercept {
  return (request, response, asUsual) => {
    if (isGood(request.headers.authorization ?? '')) return asUsual();
    errorAnswer(response, 401, 'UNAUTHORIZED', 'authentication required', { 'www-authenticate': challenge() });
  };
}

describe('a registry with passwords', () => {
  const image = new FakeImage([TAR]);
  const intercept = guarded(
    (header) => header === basic('me:a:b'),
    () => 'Basic realm="here"',
  );

  it('is let in with those of the file', async () => {
    const registry = await registryOf({ image, intercept });
    expect(await pull(registry, { authFile: authFor(registry, 'me:a:b') })).toEqual([sha256(TAR)]);
    // One answer of 401 is enough to know.
    expect(registry.headers.filter(({ authorization }) => authorization === undefined)).toHaveLength(1);
  });

  it('sends others away, and says where credentials were looked for', async () => {
    const registry = await registryOf({ image, intercept });
    const file = authFor(registry, 'me:wrong-secret');
    const failure = await failureOf(pull(registry, { authFile: file }));
    expect(failure.code).toBe('registry-denied');
    expect(failure.message).toContain(
      `answers 401 (UNAUTHORIZED: authentication required); with the credentials in ${file}`,
    );
    expect(failure.message).not.toContain('secret');
    const other = authFile({ auths: { 'example.com': { auth: 'eDp5' } } });
    const without = await failureOf(pull(registry, { authFile: other }));
    expect(without.message).toContain(`no credentials for 127.0.0.1:${registry.port} in ${other}`);
    // With a password that is wrong, the second request is the last.
    expect(registry.countOf(/manifests/)).toBe(3);
  });

  it('needs the file that was asked for', async () => {
    const registry = await registryOf({ image, intercept });
    const failure = await failureOf(pull(registry, { authFile: join(scratch(), 'none.json') }));
    expect(failure.code).toBe('option-invalid');
  });
});

describe('a registry with tokens', () => {
  const image = new FakeImage([TAR]);
  let tokenCount = 0;
  let goodToken = '';

  /** A token server, which may want a password. */
  async function tokenServer(password?: string): Promise<FakeServer> {
    return FakeServer.start((request, response) => {
      if (password !== undefined && request.headers.authorization !== basic(password))
        return errorAnswer(response, 401, 'UNAUTHORIZED', 'who are you');
      goodToken = `token-${++tokenCount}`;
      response.end(
        JSON.stringify(tokenCount % 2 === 0 ? { token: goodToken } : { access_token: goodToken, expires_in: 1 }),
      );
    });
  }

  async function tokenRegistry(
    tokens: FakeServer,
    more: Intercept = (_request, _response, asUsual) => asUsual(),
    of = image,
  ): Promise<FakeServer> {
    const challenge = (): string =>
      `Negotiate, Bearer realm="${tokens.origin}/token?x=1",service="a \\"service\\"",scope="repository:test/image:pull,push"`;
    const guard = guarded((header) => header === `Bearer ${goodToken}`, challenge);
    return registryOf({
      image: of,
      intercept: (request, response, asUsual) => more(request, response, () => guard(request, response, asUsual)),
    });
  }

  it('gives one to anybody, for pulling alone', async () => {
    const tokens = await tokenServer();
    const registry = await tokenRegistry(tokens);
    expect(await pull(registry)).toEqual([sha256(TAR)]);
    const [asked = ''] = tokens.asked;
    expect(tokens.asked).toHaveLength(1);
    const { searchParams } = new URL(asked.replace('GET ', ''), tokens.origin);
    expect(Object.fromEntries(searchParams)).toEqual({
      x: '1',
      service: 'a "service"',
      scope: 'repository:test/image:pull',
    });
    expect(tokens.headers[0]?.authorization).toBeUndefined();
  });

  it('gives one to who knows the password, which the registry itself never sees', async () => {
    const tokens = await tokenServer('me:secret');
    const registry = await tokenRegistry(tokens);
    expect(await pull(registry, { authFile: authFor(registry, 'me:secret') })).toEqual([sha256(TAR)]);
    for (const { authorization = '' } of registry.headers) expect(authorization).not.toMatch(/^Basic/);
    const failure = await failureOf(pull(registry, { authFile: authFor(registry, 'me:other') }));
    expect(failure.code).toBe('registry-denied');
    expect(failure.message).toContain('(UNAUTHORIZED: who are you); with the credentials in');
  });

  it('exchanges an identity token', async () => {
    let form = '';
    const tokens = await FakeServer.start((request, response) => {
      request.on('data', (data: Buffer) => (form += data.toString()));
      request.on('end', () => response.end(JSON.stringify({ access_token: (goodToken = 'exchanged') })));
    });
    const registry = await tokenRegistry(tokens);
    const file = authFile({ auths: { [`127.0.0.1:${registry.port}`]: { identitytoken: 'refresh me' } } });
    expect(await pull(registry, { authFile: file })).toEqual([sha256(TAR)]);
    expect(tokens.asked).toEqual(['POST /token?x=1']);
    expect(Object.fromEntries(new URLSearchParams(form))).toEqual({
      grant_type: 'refresh_token',
      client_id: 'blockloom',
      service: 'a "service"',
      scope: 'repository:test/image:pull',
      refresh_token: 'refresh me',
    });
  });

  it('is not given an identity token at another address', async () => {
    const elsewhere = await FakeServer.start((_request, _response, notFound) => notFound());
    const tokens = await FakeServer.start((_request, response) => {
      response.writeHead(307, { location: `${elsewhere.origin}/token` }).end();
    });
    const registry = await tokenRegistry(tokens);
    const file = authFile({ auths: { [`127.0.0.1:${registry.port}`]: { identitytoken: 'refresh me' } } });
    const failure = await failureOf(pull(registry, { authFile: file }));
    expect(failure.message).toContain('redirects what was sent to it');
    expect(elsewhere.asked).toEqual([]);
  });

  it('takes another one when it has ended in the middle of a layer', async () => {
    const tokens = await tokenServer();
    let left = 2;
    const registry = await tokenRegistry(tokens, (request, response, asUsual) => {
      if (!request.url?.endsWith(image.layerDigest) || left <= 0) return asUsual();
      if (request.headers.authorization !== `Bearer ${goodToken}`) return asUsual();
      left--;
      goodToken = 'none is good now';
      const bytes = image.blobs.get(image.layerDigest)!;
      const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
      response.writeHead(from === 0 ? 200 : 206, {
        'content-length': bytes.length - from,
        ...(from > 0 && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
      });
      response.write(bytes.subarray(from, from + 100_000), () => setTimeout(() => response.destroy(), 50));
    });
    expect(await pull(registry)).toEqual([sha256(TAR)]);
    expect(tokens.asked).toHaveLength(3);
  });

  it('gives one for all layers together, when the one before has ended', async () => {
    const tars = Array.from({ length: 6 }, (_, i) => makeTar([{ name: `layer-${i}`, data: 'x' }]));
    const several = new FakeImage(tars);
    const tokens = await tokenServer();
    let hasEnded = false;
    const registry = await tokenRegistry(
      tokens,
      (request, _response, asUsual) => {
        if (request.url?.endsWith(several.layerDigest) === true && !hasEnded) {
          hasEnded = true;
          goodToken = 'none is good now';
        }
        asUsual();
      },
      several,
    );
    expect(await pull(registry)).toEqual(tars.map(sha256));
    expect(tokens.asked).toHaveLength(2);
  });

  it('is not asked for ever when no token is good', async () => {
    const tokens = await FakeServer.start((_request, response) => {
      response.end(JSON.stringify({ token: `never-good-${Math.random()}` }));
    });
    const registry = await tokenRegistry(tokens);
    expect((await failureOf(pull(registry))).code).toBe('registry-denied');
    expect(tokens.asked).toHaveLength(1);
  });

  it.each([
    ['no JSON', 'x'],
    ['no token', '{}'],
    ['a token that is none', '{"token":5}'],
    ['a token that breaks a header', '{"token":"a\\r\\nx: y"}'],
  ])('fails when the token server sends %s', async (_what, body) => {
    const tokens = await FakeServer.start((_request, response) => {
      response.end(body);
    });
    const failure = await failureOf(pull(await tokenRegistry(tokens)));
    expect(failure).toMatchObject({ code: 'registry-failed' });
    expect(failure.message).toContain('gives no token');
  });

  it('tries a token server again that fails', async () => {
    const timing = hurried();
    let left = 2;
    const tokens = await FakeServer.start((_request, response) => {
      if (left-- > 0) response.writeHead(502).end();
      else response.end(JSON.stringify({ token: (goodToken = 'good') }));
    });
    expect(await pull(await tokenRegistry(tokens), { timing })).toEqual([sha256(TAR)]);
    expect(timing.waits).toEqual([500, 1000]);
  });

  it.each([
    ['http://example.com/token', '--plain-http example.com would allow it'],
    ['ftp://127.0.0.1/token', 'a ftp: address'],
    ['http://me:secret@127.0.0.1/token', 'a username in it'],
    ['nowhere', 'names no token server'],
  ])('does not send credentials to %s', async (realm, what) => {
    const intercept = guarded(
      () => false,
      () => `Bearer realm="${realm}"`,
    );
    const registry = await registryOf({ image, intercept });
    const failure = await failureOf(pull(registry, { authFile: authFor(registry, 'me:secret') }));
    expect(failure.code).toBe('registry-failed');
    expect(failure.message).toContain(what);
    expect(failure.message).not.toContain('secret');
  });
});

describe('redirects', () => {
  const image = new FakeImage([TAR]);
  const guard = guarded(
    (header) => header === basic('me:secret'),
    () => 'Basic',
  );
  const isLayer = (url = ''): boolean => url.endsWith(image.layerDigest);

  it.each([301, 302, 303, 307, 308])('with %i to another host do not bring credentials there', async (status) => {
    const elsewhere = await FakeServer.start(image.answer);
    const registry = await registryOf({
      image,
      intercept: (request, response, asUsual) => {
        if (!isLayer(request.url)) return guard(request, response, asUsual);
        response.writeHead(status, { location: `${elsewhere.origin}${request.url}` }).end();
      },
    });
    expect(await pull(registry, { authFile: authFor(registry, 'me:secret') })).toEqual([sha256(TAR)]);
    expect(elsewhere.asked).toHaveLength(1);
    expect(elsewhere.headers[0]?.authorization).toBeUndefined();
  });

  it('to the same host keep them', async () => {
    const registry = await registryOf({
      image,
      intercept: (request, response, asUsual) => {
        if (!isLayer(request.url) || request.url?.includes('?') === true) return guard(request, response, asUsual);
        response.writeHead(307, { location: `${request.url}?again` }).end();
      },
    });
    // The image's answers do not look at what follows the question mark.
    const failure = await pull(registry, { authFile: authFor(registry, 'me:secret') });
    expect(failure).toEqual([sha256(TAR)]);
  });

  it('to another host, which wants credentials, end the work', async () => {
    const elsewhere = await FakeServer.start((_request, response) => {
      errorAnswer(response, 401, 'UNAUTHORIZED', 'give me', { 'www-authenticate': 'Basic' });
    });
    const registry = await registryOf({
      image,
      intercept: (request, response, asUsual) => {
        if (!isLayer(request.url)) return guard(request, response, asUsual);
        response.writeHead(307, { location: `${elsewhere.origin}/x` }).end();
      },
    });
    const failure = await failureOf(pull(registry, { authFile: authFor(registry, 'me:secret') }));
    expect(failure.code).toBe('registry-denied');
    expect(elsewhere.headers.map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  it('there and back bring no credentials back', async () => {
    const back = await FakeServer.start((_request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${registry.port}/back` }).end();
    });
    const registry = await registryOf({
      image,
      intercept: (request, response, asUsual) => {
        if (!isLayer(request.url)) return guard(request, response, asUsual);
        response.writeHead(302, { location: `${back.origin}/x` }).end();
      },
    });
    await failureOf(pull(registry, { authFile: authFor(registry, 'me:secret') }));
    expect(registry.headers[registry.asked.indexOf('GET /back')]?.authorization).toBeUndefined();
  });

  it.each([
    ['in a circle', (url: string) => url, 'redirects more than 10 times'],
    ['nowhere', () => 'http://', 'redirects to nowhere'],
    ['to a file', () => 'file:///etc/passwd', 'a file: address'],
    ['to a host that is not to be spoken to without TLS', () => 'http://example.com/', '--plain-http example.com'],
    ['with a password', () => 'https://a:b@127.0.0.1/', 'with a username in it'],
  ])('%s end the work', async (_what, location, what) => {
    const registry = await registryOf({
      image,
      intercept: (request, response, asUsual) => {
        if (!isLayer(request.url)) return asUsual();
        response.writeHead(302, { location: location(request.url ?? '') }).end();
      },
    });
    const failure = await failureOf(pull(registry));
    expect(failure).toMatchObject({ code: 'registry-failed', context: { layer: 0 } });
    expect(failure.message).toContain(what);
    expect(registry.countOf(new RegExp(image.layerDigest))).toBeLessThanOrEqual(11);
  });
});

describe('a credential helper', () => {
  const image = new FakeImage([TAR]);
  const intercept = guarded(
    (header) => header === basic('helped:secret'),
    () => 'Basic',
  );

  afterEach(() => vi.unstubAllEnvs());

  /** Puts `docker-credential-test` on the path. */
  function helper(script: string): void {
    const folder = scratch();
    writeFileSync(join(folder, 'docker-credential-test'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'docker-credential-test'), 0o755);
    vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH']}`);
  }

  it('is asked for the registry on its standard input', async () => {
    const registry = await registryOf({ image, intercept });
    helper(
      `read server; [ "$1 $server" = "get 127.0.0.1:${registry.port}" ] && printf '{"ServerURL":"%s","Username":"helped","Secret":"secret"}' "$server"`,
    );
    for (const content of [{ credHelpers: { [`127.0.0.1:${registry.port}`]: 'test' } }, { credsStore: 'test' }])
      expect(await pull(registry, { authFile: authFile(content) })).toEqual([sha256(TAR)]);
  });

  it.each([
    [
      'has none',
      "echo 'credentials not found in native keychain'; exit 1",
      'docker-credential-test has none for 127.0.0.1',
    ],
    ['fails', 'echo secret; exit 3', 'docker-credential-test failed'],
    ['prints no JSON', 'echo secret', 'docker-credential-test prints no credentials'],
    ['prints too much', 'exec cat /dev/zero', 'docker-credential-test prints more than 65536 bytes'],
  ])('that %s is told when the registry refuses', async (_what, script, what) => {
    helper(script);
    const registry = await registryOf({ image, intercept });
    const failure = await failureOf(pull(registry, { authFile: authFile({ credsStore: 'test' }) }));
    expect(failure.code).toBe('registry-denied');
    expect(failure.message).toContain(what);
    expect(failure.message).not.toContain('secret');
  });

  it.each([
    ['../evil', 'the name of its credential helper is not that of a program'],
    ['not-there', 'docker-credential-not-there is not installed'],
  ])('named %s is not run', async (name, what) => {
    const registry = await registryOf({ image, intercept });
    const failure = await failureOf(pull(registry, { authFile: authFile({ credsStore: name }) }));
    expect(failure.message).toContain(what);
  });
});
