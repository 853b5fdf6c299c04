import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { LayerIdentity } from '../../../src/core/layer/identity.ts';
import { toExt4Options } from '../../../src/image/options.ts';
import type { Blob } from '../../../src/sources/layer.ts';
import { identifyLayers } from '../../../src/sources/identify.ts';
import { openLayers, type OpenLayersOptions } from '../../../src/sources/open-layers.ts';
import { scratch } from '../../helpers/scratch.ts';
import { makeTar } from '../../helpers/tar-writer.ts';

const TAR = makeTar([{ name: 'a', data: 'x'.repeat(3_000_000) }, { name: 'b' }]);

async function identify(
  reference: string,
  options: OpenLayersOptions = { cache: false },
  image: Parameters<typeof toExt4Options>[0] = {},
): Promise<LayerIdentity> {
  const { layers } = await openLayers([reference], options);
  try {
    return (await identifyLayers(layers, toExt4Options(image).metadata, options))[0]!;
  } finally {
    for (const { blob } of layers) blob.close();
  }
}

afterEach(() => void vi.useRealTimers());

describe('a tar is known by its diffID', () => {
  const diffId = `sha256:${createHash('sha256').update(TAR).digest('hex')}`;

  it('in place and compressed', async () => {
    const directory = scratch();
    writeFileSync(join(directory, 'plain'), TAR);
    writeFileSync(join(directory, 'gzip'), gzipSync(TAR));
    expect(await identify(join(directory, 'plain'))).toEqual({ diffId });
    expect(await identify(join(directory, 'gzip'))).toEqual({ diffId });
  });

  it('that the cache remembers of a file that has long been the same', async () => {
    const directory = scratch();
    const path = join(directory, 'plain');
    const cache = join(directory, 'cache');
    writeFileSync(path, TAR);
    // A file this young is not trusted to look different when it changes.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 });
    expect(await identify(path, { cache })).toEqual({ diffId });
    const records = join(cache, 'in-place');
    const [record] = readdirSync(records);
    const other = `sha256:${'0'.repeat(64)}`;
    writeFileSync(join(records, record!), `${other}\n`);
    expect(await identify(path, { cache })).toEqual({ diffId: other });
  });
});

it.each(['a file', 'a directory'])('%s that changes meanwhile is told', async (kind) => {
  const directory = scratch();
  const path = join(directory, 'plain.tar');
  writeFileSync(path, TAR);
  const { layers } = await openLayers([kind === 'a file' ? path : directory], { cache: false });
  writeFileSync(path, makeTar([{ name: 'a', data: 'y'.repeat(3_000_000) }, { name: 'b' }]));
  utimesSync(path, 1, 2);
  await expect(identifyLayers(layers, toExt4Options({}).metadata)).rejects.toMatchObject({ code: 'layer-changed' });
  for (const { blob } of layers) blob.close();
});

it('a directory of which a file that was read changes is told', async () => {
  const directory = scratch();
  writeFileSync(join(directory, 'a'), 'a');
  writeFileSync(join(directory, 'b'), 'b');
  const [layer] = (await openLayers([directory], { cache: false })).layers;
  const blob: Blob = Object.assign(Object.create(layer!.blob) as Blob, {
    verifyUnchanged: () => layer!.blob.verifyUnchanged(),
    read: async (position: number, target: Uint8Array): Promise<void> => {
      await layer!.blob.read(position, target);
      if (position === 1) writeFileSync(join(directory, 'a'), 'changed');
    },
  });
  const changing = identifyLayers([{ ...layer!, blob }], toExt4Options({}).metadata);
  await expect(changing).rejects.toMatchObject({ code: 'layer-changed' });
  layer!.blob.close();
});

describe('a directory is known by its contents', () => {
  const make = (): string => {
    const directory = scratch();
    mkdirSync(join(directory, 'd'));
    writeFileSync(join(directory, 'd/a'), 'content');
    writeFileSync(join(directory, 'b'), 'x'.repeat(2_500_000));
    return directory;
  };

  it('whenever and wherever it was made', async () => {
    const [one, other] = [make(), make()];
    utimesSync(join(other, 'b'), 1, 2);
    const identity = await identify(one);
    expect(identity).toEqual({ contents: expect.stringMatching(/^sha256:[\da-f]{64}$/) as string });
    expect(await identify(other)).toEqual(identity);
    expect(await identify(other, undefined, { mtime: 'keep' })).not.toEqual(
      await identify(one, undefined, { mtime: 'keep' }),
    );
  });

  it('which have its names, modes, links and bytes, the last one too', async () => {
    const changes: readonly ((directory: string) => void)[] = [
      () => undefined,
      (directory) => writeFileSync(join(directory, 'c'), ''),
      (directory) => writeFileSync(join(directory, 'd/a'), 'kontent'),
      (directory) => chmodSync(join(directory, 'b'), 0o755),
      (directory) => truncateSync(join(directory, 'b'), 2_499_999),
      (directory) => writeFileSync(join(directory, 'b'), `${'x'.repeat(2_499_999)}y`),
      (directory) => writeFileSync(join(directory, 'd/.wh.a'), ''),
    ];
    const found = await Promise.all(
      changes.map(async (change) => {
        const directory = make();
        change(directory);
        return JSON.stringify(await identify(directory));
      }),
    );
    expect(new Set(found).size).toBe(changes.length);
  });
});
