import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Progress } from '../../../src/core/progress.ts';
import { entryPath } from '../../../src/core/layer/layer-index.ts';
import { openLayers } from '../../../src/sources/open-layers.ts';
import { scratch } from '../../helpers/scratch.ts';
import { makeTar } from '../../helpers/tar-writer.ts';

const openFiles = (): number => readdirSync('/proc/self/fd').length;

function makeLayers(count: number): string[] {
  const directory = scratch();
  return Array.from({ length: count }, (_, i) => {
    const tar = makeTar([{ name: `layer${i}`, data: new Uint8Array((count - i) * 50_000) }]);
    const path = join(directory, `${i}`);
    writeFileSync(path, i % 2 === 0 ? gzipSync(tar) : tar);
    return path;
  });
}

describe('openLayers', () => {
  it.each([1, 3])('gives the layers in their order, %d at once', async (jobs) => {
    const { layers } = await openLayers(makeLayers(7), { cache: scratch(), jobs });
    expect(layers.map(({ index }) => entryPath(index, 0))).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => `layer${i}`));
    for (const layer of layers) layer.blob.close();
  });

  it('closes every layer when one fails, and does not wait for the others', async () => {
    const before = openFiles();
    const references = [...makeLayers(4), 'no/such', '-'];
    const opening = openLayers(references, { cache: false, stdin: new Readable({ read() {} }), jobs: 6 });
    await expect(opening).rejects.toMatchObject({
      code: 'layer-not-found',
      context: { layer: 4, reference: 'no/such' },
    });
    expect(openFiles()).toBe(before);
  });

  it('ends with the reason of its signal', async () => {
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    await expect(openLayers(makeLayers(1), { cache: false, signal: controller.signal })).rejects.toThrow('enough');
  });

  it('tells how far it is, phase by phase', async () => {
    const told: Progress[] = [];
    const directory = scratch();
    for (let i = 0; i < 1500; i++) writeFileSync(join(directory, `${i}`), '');
    const references = [...makeLayers(1), directory];
    const { layers } = await openLayers(references, { cache: false, jobs: 1, onProgress: (now) => told.push(now) });
    for (const layer of layers) layer.blob.close();
    expect([...new Set(told.map(({ phase }) => phase))]).toEqual(['resolving', 'decompressing', 'reading layers']);
    const { size } = statSync(references[0]!);
    expect(told.findLast(({ phase }) => phase === 'decompressing')?.bytes).toEqual({ done: size, total: size });
    expect(told.map(({ files }) => files?.done)).toContain(1 + 1024);
    expect(told.at(-1)?.files).toEqual({ done: 1 + 1501, total: undefined });
  });

  it('refuses standard input twice', async () => {
    await expect(openLayers(['-', '-'])).rejects.toMatchObject({ code: 'option-invalid' });
  });
});
