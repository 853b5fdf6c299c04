import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { ImageError } from '../../src/core/errors.ts';
import { openResolved } from '../../src/sources/open-layer.ts';
import { openingOf } from '../../src/sources/opening.ts';
import type { ResolvedReference } from '../../src/sources/resolve.ts';
import type { Timing } from '../../src/sources/registry/patience.ts';
import { type RegistryOptions, resolveRegistry } from '../../src/sources/registry/resolve-registry.ts';
import { FakeImage, FakeServer, type Intercept } from './fake-registry.ts';
import { makeTar } from './tar-writer.ts';

/** A layer that does not compress. */
export const TAR = makeTar([{ name: 'big', data: randomBytes(1 << 20).toString('latin1') }]);

/** No wait is waited for; all are noted. */
export function hurried(stallMilliseconds = 60_000): Timing & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      waits.push(milliseconds);
    },
    random: () => 0,
    answerMilliseconds: stallMilliseconds,
    stallMilliseconds,
  };
}

export interface Scene {
  readonly image?: FakeImage;
  /** Comes before the image's answers. */
  readonly intercept?: Intercept;
}

/** A registry of one image, with something wrong. */
export async function registryOf({
  image = new FakeImage([TAR]),
  intercept = (_request, _response, asUsual) => asUsual(),
}: Scene = {}): Promise<FakeServer> {
  return FakeServer.start((request, response) =>
    intercept(request, response, () => image.answer(request, response, () => undefined)),
  );
}

export interface Pull extends RegistryOptions {
  /** What follows the repository: a tag, a digest. */
  readonly target?: string;
  readonly name?: string;
  readonly platform?: string;
  readonly timing?: Timing;
  readonly signal?: AbortSignal;
  readonly cache?: string;
  readonly onWarning?: (message: string) => void;
}

/** What an image of the registry turns out to be. */
export async function resolve(registry: FakeServer, options: Pull = {}): Promise<ResolvedReference> {
  const { target = '', name = `//127.0.0.1:${registry.port}/test/image${target}`, timing = hurried() } = options;
  const { cache = false, signal, onWarning } = options;
  const opening = openingOf(`docker:${name}`, { cache, signal, onWarning });
  // Without a file, whoever runs the tests would be let in.
  return resolveRegistry(
    name,
    opening,
    options.platform ?? 'linux/amd64',
    { authFile: '/dev/null', ...options },
    timing,
  );
}

/** The diffIDs of an image's layers, which are all read. */
export async function pull(registry: FakeServer, options: Pull = {}): Promise<(string | undefined)[]> {
  const { layers, reference } = await resolve(registry, options);
  const opened = await Promise.all(
    layers.map(async (open, layer) =>
      openResolved(open, reference, { cache: options.cache ?? false, layer, signal: options.signal }),
    ),
  );
  for (const { blob } of opened) blob.close();
  return opened.map(({ diffId }) => diffId);
}

export async function failureOf(work: Promise<unknown>): Promise<ImageError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ImageError)) throw new Error(`no ImageError: ${String(error)}`);
  // One line without control characters, whatever a server says.
  expect(error.message).toMatch(/^[\x20-\x7e\u00a0-\uffff]+$/);
  return error;
}
