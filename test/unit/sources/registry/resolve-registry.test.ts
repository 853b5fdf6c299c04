import { randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { errorAnswer, FakeImage, FakeServer, type Intercept, sha256 } from '../../../helpers/fake-registry.ts';
import { scratch } from '../../../helpers/scratch.ts';
import { failureOf, hurried, pull, registryOf, resolve, TAR } from '../../../helpers/registry-pull.ts';

const isBlob = (url: string | undefined, image: FakeImage): boolean => url?.endsWith(image.layerDigest) === true;

/** Sends `count` bytes of a blob, from where the request wants them, and breaks the connection. */
function breakAfter(count: number, bytes: Buffer, range: string | undefined, response: ServerResponse): void {
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
  response.writeHead(range === undefined ? 200 : 206, {
    'content-length': bytes.length - from,
    ...(range !== undefined && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
  });
  // What the client has not read when it notices would be lost.
  response.write(bytes.subarray(from, from + count), () => setTimeout(() => response.destroy(), 50));
}

describe('an image in a registry', () => {
  it('is its layers, by tag and by digest', async () => {
    const image = new FakeImage([TAR]);
    const registry = await registryOf({ image });
    expect(await pull(registry)).toEqual([sha256(TAR)]);
    expect(await pull(registry, { target: `@${image.manifestDigest}` })).toEqual([sha256(TAR)]);
    expect(await pull(registry, { target: `:gone@${image.manifestDigest}` })).toEqual([sha256(TAR)]);
  });

  it('has an origin by its digest, which is not the one that the registry says', async () => {
    const image = new FakeImage([TAR]);
    const registry = await registryOf({
      image,
      intercept: (_request, response, asUsual) => {
        response.setHeader('docker-content-digest', sha256(Buffer.from('a lie')));
        return asUsual();
      },
    });
    const { origin } = await resolve(registry);
    expect(origin?.pinned).toBe(`docker://127.0.0.1:${registry.port}/test/image@${image.manifestDigest}`);
  });

  it('is chosen from an index', async () => {
    const image = new FakeImage([TAR]);
    const { bytes, type } = image.manifests.get('latest')!;
    const other = image.putManifest('other', type, { schemaVersion: 2, layers: [] });
    const platform = (architecture: string): object => ({ platform: { os: 'linux', architecture } });
    image.putManifest('multi', 'application/vnd.oci.image.index.v1+json', {
      schemaVersion: 2,
      manifests: [
        { mediaType: type, digest: other, size: 1, ...platform('arm64') },
        { mediaType: type, digest: image.manifestDigest, size: bytes.length, ...platform('amd64') },
      ],
    });
    expect(await pull(await registryOf({ image }), { target: ':multi' })).toEqual([sha256(TAR)]);
  });

  it('is not asked for again when the cache has it, and by digest not at all', async () => {
    const cache = scratch();
    const image = new FakeImage([TAR]);
    const registry = await registryOf({ image });
    const pinned = { cache, target: `@${image.manifestDigest}` };
    for (const options of [{ cache }, { cache }, pinned]) expect(await pull(registry, options)).toEqual([sha256(TAR)]);
    expect(registry.asked.filter((line) => line.includes('/test/'))).toEqual([
      'GET /v2/test/image/manifests/latest',
      expect.stringMatching(/blobs/),
      `GET /v2/test/image/blobs/${image.layerDigest}`,
      'GET /v2/test/image/manifests/latest',
    ]);
    // A damaged cache is none.
    for (const name of readdirSync(join(cache, 'documents/sha256')))
      writeFileSync(join(cache, 'documents/sha256', name), '{}');
    expect(await pull(registry, pinned)).toEqual([sha256(TAR)]);
    registry.stop();
    expect(await pull(registry, { ...pinned, name: `//127.0.0.1:1/test/image@${image.manifestDigest}` })).toEqual([
      sha256(TAR),
    ]);
  });

  it('that is not there is not found', async () => {
    const registry = await registryOf();
    const failure = await failureOf(pull(registry, { target: ':gone' }));
    expect(failure).toMatchObject({ code: 'layer-not-found' });
    expect(failure.message).toContain('answers 404 (MANIFEST_UNKNOWN: not here)');
    expect(registry.countOf(/manifests/)).toBe(1);
  });

  it('comes without TLS from this machine, whatever the server makes of TLS', async () => {
    const registry = await registryOf();
    registry.hangUpOnNonsense();
    expect(await pull(registry)).toEqual([sha256(TAR)]);
  });

  it('has to have the digest that is asked for', async () => {
    const image = new FakeImage([TAR]);
    const digest = sha256(Buffer.from('other'));
    image.manifests.set(digest, image.manifests.get('latest')!);
    const failure = await failureOf(pull(await registryOf({ image }), { target: `@${digest}` }));
    expect(failure.code).toBe('digest-mismatch');
  });

  it('says which host takes no connection', async () => {
    const registry = await registryOf();
    const { port } = registry;
    registry.stop();
    for (const [at, what] of [
      [port, 'the connection is refused (ECONNREFUSED)'],
      [6000, 'this port is none that fetch speaks to'],
    ] as const) {
      const timing = hurried();
      const name = `//127.0.0.1:${at}/test/image`;
      const failure = await failureOf(pull(registry, { timing, name }));
      expect(failure).toMatchObject({ code: 'registry-failed' });
      expect(failure.message).toContain(`127.0.0.1:${at}: ${what}`);
      expect(timing.waits).toEqual([]);
    }
  });
});

describe('a registry that fails', () => {
  it('is asked again, after longer and longer waits', async () => {
    let left = 4;
    const timing = hurried();
    const intercept: Intercept = (request, response, asUsual) => {
      if (!request.url?.includes('manifests') || left-- <= 0) return asUsual();
      errorAnswer(response, 503, 'UNAVAILABLE', 'later');
    };
    const warnings: string[] = [];
    const registry = await registryOf({ intercept });
    const onWarning = (message: string): unknown => warnings.push(message);
    expect(await pull(registry, { timing, onWarning })).toEqual([sha256(TAR)]);
    expect(timing.waits).toEqual([500, 1000, 2000, 4000]);
    expect(warnings).toEqual(
      [2, 4].map(
        (seconds) =>
          `docker://127.0.0.1:${registry.port}/test/image: 127.0.0.1:${registry.port} answers 503 (UNAVAILABLE: later); trying again in ${seconds} s`,
      ),
    );
  });

  it('is given up in the end, with what it said', async () => {
    const timing = hurried();
    const registry = await registryOf({
      intercept: (_request, response) =>
        errorAnswer(response, 500, 'UNKNOWN', 'disk \u001b[31mfull\n\u202e'.repeat(90)),
    });
    const failure = await failureOf(pull(registry, { timing }));
    expect(failure.code).toBe('registry-failed');
    expect(failure.message).toContain('answers 500 (UNKNOWN: disk \\x1b[31mfull\\x0a\\u{202e}disk');
    expect(failure.message).toContain('given up after 6 attempts');
    expect(failure.message.length).toBeLessThan(500);
    expect(timing.waits).toHaveLength(5);
  });

  it('is waited for when it asks for that', async () => {
    let left = 1;
    const timing = hurried();
    const intercept: Intercept = (request, response, asUsual) => {
      if (!request.url?.includes('manifests') || left-- <= 0) return asUsual();
      errorAnswer(response, 429, 'TOOMANYREQUESTS', 'slow down', { 'retry-after': '7' });
    };
    await pull(await registryOf({ intercept }), { timing });
    expect(timing.waits).toEqual([7000]);
  });

  it('is not waited for without end', async () => {
    const timing = hurried();
    const registry = await registryOf({
      intercept: (_request, response) =>
        errorAnswer(response, 429, 'TOOMANYREQUESTS', 'slow down', { 'retry-after': '86400' }),
    });
    const failure = await failureOf(pull(registry, { timing }));
    expect(failure.message).toContain('it asks to wait 86400 s');
    expect(timing.waits).toEqual([]);
  });

  it('is not asked again when the fault is ours', async () => {
    const registry = await registryOf({
      intercept: (request, response, asUsual) =>
        request.url?.includes('manifests') ? errorAnswer(response, 400, 'NAME_INVALID', 'no') : asUsual(),
    });
    expect((await failureOf(pull(registry))).code).toBe('registry-failed');
    expect(registry.countOf(/manifests/)).toBe(1);
  });

  it('that does not answer is given up', async () => {
    const registry = await registryOf({ intercept: () => undefined });
    const failure = await failureOf(pull(registry, { timing: hurried(20) }));
    expect(failure.message).toContain('does not answer within 0.02 s');
  });

  it('that sends a web page is told to be none', async () => {
    const registry = await registryOf({
      intercept: (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>');
      },
    });
    expect((await failureOf(pull(registry))).message).toContain('a web page came instead of a manifest');
  });

  it.each([['{'], ['[]'], ['"x"'], ['{"schemaVersion":1,"fsLayers":[]}']])('sends the manifest %s', async (text) => {
    const registry = await registryOf({
      intercept: (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(text);
      },
    });
    expect((await failureOf(pull(registry))).code).toMatch(/oci-invalid|layer-unsupported/);
  });

  it('sends a manifest without end', async () => {
    const registry = await registryOf({
      intercept: (_request, response) => {
        const more = (): void => {
          while (response.write(Buffer.alloc(1 << 16, 0x20)));
        };
        response.writeHead(200).on('drain', more);
        more();
      },
    });
    const failure = await failureOf(pull(registry));
    expect(failure.code).toBe('limit-exceeded');
  });

  it('ends at once when the work is given up', async () => {
    const ending = new AbortController();
    const image = new FakeImage([TAR]);
    const registry = await registryOf({
      image,
      intercept: (request, response, asUsual) => {
        if (!isBlob(request.url, image)) return asUsual();
        response.writeHead(200).write('x');
        ending.abort(new Error('given up'));
      },
    });
    await expect(pull(registry, { signal: ending.signal })).rejects.toThrow('given up');
  });
});

describe('a layer that is downloaded', () => {
  /** A registry that breaks connections off after `count` bytes of the layer, `times` times. */
  async function breaking(count: number, times: number, image = new FakeImage([TAR])): Promise<FakeServer> {
    let left = times;
    const intercept: Intercept = (request, response, asUsual) => {
      if (!isBlob(request.url, image) || left-- <= 0) return asUsual();
      breakAfter(count, image.blobs.get(image.layerDigest)!, request.headers.range, response);
    };
    return registryOf({ image, intercept });
  }

  it('is taken up where the connection broke', async () => {
    const registry = await breaking(200_000, 3);
    expect(await pull(registry)).toEqual([sha256(TAR)]);
    const ranges = registry.headers.map(({ range }) => range).filter((range) => range !== undefined);
    expect(ranges.length).toBeGreaterThan(0);
    const starts = ranges.map((range) => Number(/^bytes=(\d+)-$/.exec(range)?.[1]));
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    expect(starts[0]).toBeGreaterThan(0);
  });

  it('waits for a registry that is started anew', async () => {
    const image = new FakeImage([TAR]);
    const registry = await registryOf({
      image,
      intercept: (request, _response, asUsual) => {
        if (isBlob(request.url, image)) registry.stop();
        else asUsual();
      },
    });
    const { port } = registry;
    const waits: number[] = [];
    const sleep = async (milliseconds: number): Promise<void> => {
      waits.push(milliseconds);
      if (waits.length === 2) await FakeServer.start(image.answer, port);
    };
    expect(await pull(registry, { timing: { ...hurried(), sleep } })).toEqual([sha256(TAR)]);
    expect(waits).toEqual([500, 1000]);
  });

  it('may break more often than attempts without progress are allowed', async () => {
    expect(await pull(await breaking(100_000, 10))).toEqual([sha256(TAR)]);
  });

  it('is given up when attempts bring next to nothing', async () => {
    const registry = await breaking(1000, 1000);
    const failure = await failureOf(pull(registry));
    expect(failure).toMatchObject({ code: 'registry-failed', context: { layer: 0 } });
    expect(registry.countOf(/blobs/)).toBeLessThan(10);
  });

  it('is waited for a limited time when it stalls, and taken up', async () => {
    const image = new FakeImage([TAR]);
    let left = 1;
    const registry = await registryOf({
      image,
      intercept: (request, response, asUsual) => {
        if (!isBlob(request.url, image) || left-- <= 0) return asUsual();
        const bytes = image.blobs.get(image.layerDigest)!;
        response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 100_000));
      },
    });
    expect(await pull(registry, { timing: hurried(1000) })).toEqual([sha256(TAR)]);
    expect(registry.headers.at(-1)?.range).toMatch(/^bytes=[1-9]\d*-$/);
  });

  it('is given up when it only trickles', async () => {
    const image = new FakeImage([TAR]);
    const registry = await registryOf({
      image,
      intercept: (request, response, asUsual) => {
        if (!isBlob(request.url, image)) return asUsual();
        response.writeHead(200);
        const trickle = setInterval(() => response.write('x'), 5);
        response.on('close', () => clearInterval(trickle));
      },
    });
    const failure = await failureOf(pull(registry, { timing: hurried(100) }));
    expect(failure.message).toContain('sends fewer than 32768 bytes in 0.1 s; given up after 6 attempts');
  });

  it('is whole when all of it came, though the server does not end', async () => {
    const image = new FakeImage([TAR]);
    const registry = await registryOf({
      image,
      intercept: (request, response, asUsual) => {
        if (!isBlob(request.url, image)) return asUsual();
        response.writeHead(200).write(image.blobs.get(image.layerDigest)!);
      },
    });
    expect(await pull(registry, { timing: hurried(2000) })).toEqual([sha256(TAR)]);
    expect(registry.countOf(new RegExp(image.layerDigest))).toBe(1);
  });

  it('comes from the start where ranges are not known', async () => {
    const image = new FakeImage([TAR]);
    const bytes = image.blobs.get(image.layerDigest)!;
    let count = 0;
    const registry = await registryOf({
      image,
      intercept: (request, response, asUsual) => {
        if (!isBlob(request.url, image)) return asUsual();
        if (count++ < 2) return breakAfter(300_000 * count, bytes, undefined, response);
        response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
      },
    });
    expect(await pull(registry)).toEqual([sha256(TAR)]);
  });

  it.each<[string, Record<string, string>]>([
    ['another place', { 'content-range': 'bytes 5-9/10' }],
    ['no place', {}],
    ['another size', { 'content-range': 'bytes 200000-200009/200010' }],
    ['a malformed place', { 'content-range': 'bytes */10' }],
    ['a later place', { 'content-range': 'bytes 900000-900009/SIZE' }],
  ])('comes from the start when a range is answered with %s', async (_what, headers) => {
    const image = new FakeImage([TAR]);
    const bytes = image.blobs.get(image.layerDigest)!;
    let left = 1;
    const registry = await registryOf({
      image,
      intercept: (request, response, asUsual) => {
        if (!isBlob(request.url, image)) return asUsual();
        if (left-- > 0) return breakAfter(200_000, bytes, undefined, response);
        if (request.headers.range === undefined) return asUsual();
        const range = headers['content-range']?.replace('SIZE', String(bytes.length));
        response.writeHead(206, range === undefined ? {} : { 'content-range': range }).end('0123456789');
      },
    });
    expect(await pull(registry)).toEqual([sha256(TAR)]);
  });

  it('comes from the start when a range is refused', async () => {
    const image = new FakeImage([TAR]);
    let left = 1;
    const registry = await registryOf({
      image,
      intercept: (request, response, asUsual) => {
        if (!isBlob(request.url, image)) return asUsual();
        if (left-- > 0) return breakAfter(200_000, image.blobs.get(image.layerDigest)!, undefined, response);
        if (request.headers.range === undefined) return asUsual();
        response.writeHead(416).end();
      },
    });
    expect(await pull(registry)).toEqual([sha256(TAR)]);
  });

  it('is taken as it is when it comes encoded on the way', async () => {
    const image = new FakeImage([TAR]);
    const registry = await registryOf({
      image,
      intercept: (request, response, asUsual) => {
        expect(request.headers['accept-encoding']).toBe('identity');
        if (!isBlob(request.url, image)) return asUsual();
        const encoded = gzipSync(image.blobs.get(image.layerDigest)!);
        response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': encoded.length }).end(encoded);
      },
    });
    expect(await pull(registry)).toEqual([sha256(TAR)]);
  });

  it('comes from the start when it broke off encoded', async () => {
    const image = new FakeImage([TAR]);
    const encoded = gzipSync(image.blobs.get(image.layerDigest)!);
    let left = 1;
    const registry = await registryOf({
      image,
      intercept: (request, response, asUsual) => {
        if (!isBlob(request.url, image)) return asUsual();
        response.setHeader('content-encoding', 'gzip');
        if (left-- > 0) return breakAfter(500_000, encoded, undefined, response);
        response.writeHead(200).end(encoded);
      },
    });
    expect(await pull(registry)).toEqual([sha256(TAR)]);
    expect(registry.headers.filter(({ range }) => range !== undefined)).toEqual([]);
  });

  it('with another digest ends the work, once', async () => {
    const image = new FakeImage([TAR]);
    const other = Buffer.from(image.blobs.get(image.layerDigest)!);
    // In the header's time of modification, where gzip sees nothing wrong.
    other[4]! ^= 1;
    image.blobs.set(image.layerDigest, other);
    const registry = await registryOf({ image });
    const failure = await failureOf(pull(registry));
    expect(failure).toMatchObject({ code: 'digest-mismatch', context: { layer: 0 } });
    expect(registry.countOf(new RegExp(image.layerDigest))).toBe(1);
  });

  it.each([1, -1])('with %i byte more than promised ends the work, once', async (more) => {
    const image = new FakeImage([TAR]);
    const bytes = image.blobs.get(image.layerDigest)!;
    image.blobs.set(image.layerDigest, more > 0 ? Buffer.concat([bytes, Buffer.alloc(1)]) : bytes.subarray(0, -1));
    const registry = await registryOf({ image });
    expect((await failureOf(pull(registry))).code).toBe('digest-mismatch');
    expect(registry.countOf(new RegExp(image.layerDigest))).toBe(1);
  });

  it('without end is cut', async () => {
    const image = new FakeImage([TAR]);
    const registry = await registryOf({
      image,
      intercept: (request, response, asUsual) => {
        if (!isBlob(request.url, image)) return asUsual();
        response.writeHead(200).write(image.blobs.get(image.layerDigest)!);
        const more = (): void => {
          while (response.write(Buffer.alloc(1 << 16)));
        };
        response.on('drain', more);
        more();
      },
    });
    expect((await failureOf(pull(registry))).code).toBe('digest-mismatch');
  });

  it('that is no tar gives the connection back', async () => {
    const image = new FakeImage([randomBytes(1 << 24)], {}, (tar) => Buffer.from(tar));
    let isClosed = false;
    const registry = await registryOf({
      image,
      intercept: (request, response, asUsual) => {
        if (isBlob(request.url, image)) response.on('close', () => (isClosed = true));
        asUsual();
      },
    });
    expect((await failureOf(pull(registry))).code).toBe('layer-unsupported');
    await expect.poll(() => isClosed).toBe(true);
  });

  it('is taken from its other address when the registry has not got it, and only in TLS', async () => {
    const elsewhere = await FakeServer.start((_request, _response, notFound) => notFound());
    const image = new FakeImage([TAR], { urls: [`${elsewhere.origin}/layer`] });
    image.blobs.delete(image.layerDigest);
    const failure = await failureOf(pull(await registryOf({ image })));
    expect(failure).toMatchObject({ code: 'layer-not-found' });
    expect(failure.message).toContain('its other address is not https');
    expect(elsewhere.asked).toEqual([]);
  });
});
