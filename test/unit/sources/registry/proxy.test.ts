import { afterEach, describe, expect, it, vi } from 'vitest';
import { proxyFor } from '../../../../src/sources/registry/proxy.ts';
import { FakeImage, FakeServer, sha256 } from '../../../helpers/fake-registry.ts';
import { failureOf, pull, registryOf, TAR } from '../../../helpers/registry-pull.ts';

const of = (address: string, environment: Record<string, string>): string | undefined =>
  proxyFor(new URL(address), environment)?.href;

describe('a proxy', () => {
  const both = { HTTPS_PROXY: 'http://secure:1', http_proxy: 'plain:2' };

  it('is that of the protocol', () => {
    expect(of('https://example.com/', both)).toBe('http://secure:1/');
    expect(of('http://example.com/', both)).toBe('http://plain:2/');
    expect(of('http://example.com/', { HTTPS_PROXY: 'http://secure:1' })).toBeUndefined();
    expect(of('https://example.com/', { HTTPS_PROXY: '' })).toBeUndefined();
  });

  it.each(['https://localhost/', 'https://127.0.0.1:5000/', 'http://[::1]/'])('is none for %s', (address) => {
    expect(of(address, both)).toBeUndefined();
  });

  it.each<[string, readonly string[], readonly string[]]>([
    ['*', ['https://a.example/'], []],
    ['example.com', ['https://example.com/', 'http://a.b.example.com:5000/'], ['https://notexample.com/']],
    ['.example.com', ['https://a.example.com/'], ['https://example.com/']],
    ['*.example.com', ['https://a.example.com/'], ['https://example.com/', 'https://example.org/']],
    ['x, Example.com:5000 ,y', ['https://example.com:5000/'], ['https://example.com/']],
    ['example.com:443', ['https://example.com/'], ['http://example.com/']],
    ['10.0.0.1,[fd00::1]', ['https://10.0.0.1/', 'https://[fd00::1]:5/'], ['https://10.0.0.11/']],
    ['', [], ['https://example.com/']],
    [' , ', [], ['https://example.com/']],
  ])('is none for hosts of NO_PROXY=%s', (exceptions, without, through) => {
    const environment = { ...both, NO_PROXY: exceptions };
    for (const address of without) expect([address, of(address, environment)]).toEqual([address, undefined]);
    for (const address of through) expect([address, of(address, environment)]).not.toEqual([address, undefined]);
  });

  it.each(['socks5://me:secret@proxy:1', 'http://[:'])('is refused when it is %s', (proxy) => {
    expect(() => of('https://example.com/', { HTTPS_PROXY: proxy })).toThrow(
      'the proxy for example.com in the environment is no http or https address',
    );
  });
});

describe('a registry behind a proxy', () => {
  afterEach(() => vi.unstubAllEnvs());
  const behind = { name: '//registry.invalid:5000/test/image', plainHttp: ['registry.invalid'] };

  it('is reached through it, and it sees no credentials', async () => {
    const registry = await registryOf({ image: new FakeImage([TAR]) });
    const proxy = await FakeServer.start((_request, _response, notFound) => notFound());
    proxy.tunnelTo(registry.port);
    vi.stubEnv('HTTP_PROXY', proxy.origin.replace('http://', 'http://me:secret@'));
    expect(await pull(registry, behind)).toEqual([sha256(TAR)]);
    expect([...new Set(proxy.asked)]).toEqual(['CONNECT registry.invalid:5000']);
    expect(proxy.headers[0]?.['proxy-authorization']).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`);
  });

  it('is not reached when it refuses', async () => {
    const registry = await registryOf();
    const proxy = await FakeServer.start((_request, _response, notFound) => notFound());
    proxy.tunnelTo(undefined);
    vi.stubEnv('HTTP_PROXY', proxy.origin);
    const failure = await failureOf(pull(registry, behind));
    expect(failure.code).toBe('registry-failed');
    expect(failure.message).toContain('registry.invalid:5000: the connection failed: Proxy response (407)');
    expect(proxy.asked).toHaveLength(1);
    expect(registry.asked).toEqual([]);
  });
});
