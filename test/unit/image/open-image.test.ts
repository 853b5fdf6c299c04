import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openImage, openLayeredImage } from '../../../src/image/open-image.ts';
import { scratch } from '../../helpers/scratch.ts';
import { makeTar, type TarEntry } from '../../helpers/tar-writer.ts';

function layer(folder: string, name: string, entries: readonly TarEntry[]): string {
  writeFileSync(join(folder, name), makeTar(entries));
  return join(folder, name);
}

const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('openLayeredImage', () => {
  it('gives the image and what it was made of', async () => {
    const folder = scratch();
    const layers = [
      layer(folder, 'a.tar', [{ name: 'a' }, { name: 'b' }]),
      layer(folder, 'b.tar', [{ name: '.wh.a' }]),
    ];
    const opened = await openLayeredImage({ layers, cache: false });
    expect(opened.layers.map(({ reference, index }) => [reference, index.count])).toEqual([
      [layers[0], 2],
      [layers[1], 1],
    ]);
    expect(opened.filesystem.locate('b')).toBeDefined();
    expect(opened.filesystem.locate('a')).toBeUndefined();
    opened.image.close();
  });

  it('makes an image of no layers', async () => {
    const image = await openImage({ layers: [], cache: false });
    expect(image.size).toBe(2 ** 20);
    image.close();
  });

  it('names the layer that cannot be merged, by number and reference', async () => {
    const folder = scratch();
    const good = layer(folder, 'good.tar', [{ name: 'a' }]);
    const bad = layer(folder, 'bad.tar', [{ name: 'b' }, { name: 'c', type: 'hardlink', linkName: 'none' }]);
    await expect(openImage({ layers: [good, bad], cache: false })).rejects.toMatchObject({
      code: 'link-target-missing',
      context: { layer: 1, reference: bad, path: 'c', offset: 512 },
    });
  });

  it('names the layer of a file that no image can hold', async () => {
    const bad = layer(scratch(), 'bad.tar', [{ name: 'a', xattrs: { 'user.large': new Uint8Array(70_000) } }]);
    await expect(openImage({ layers: [bad], cache: false })).rejects.toMatchObject({
      code: 'limit-exceeded',
      context: { layer: 0, reference: bad, path: 'a' },
    });
  });

  it('leaves nothing open when it fails', async () => {
    const folder = scratch();
    const good = layer(folder, 'good.tar', [{ name: 'a', data: 'content' }]);
    const bad = layer(folder, 'bad.tar', [{ name: 'c', type: 'hardlink', linkName: 'none' }]);
    const before = descriptors();
    await expect(openImage({ layers: [good, bad], cache: false })).rejects.toThrow('bad.tar');
    await expect(openImage({ layers: [good, join(folder, 'none')], cache: false })).rejects.toThrow('no such file');
    await expect(openImage({ layers: [good], cache: false, size: 4096 })).rejects.toThrow('needs');
    await expect(openImage({ layers: [good], cache: false, formatVersion: 9 })).rejects.toThrow('format version');
    expect(descriptors()).toBe(before);
  });

  it('passes warnings on', async () => {
    const warnings: string[] = [];
    const late = layer(scratch(), 'late.tar', [{ name: 'late', mtime: 2 ** 35 }]);
    const image = await openImage({
      layers: [late],
      mtime: 'keep',
      cache: false,
      onWarning: (text) => warnings.push(text),
    });
    expect(warnings).toHaveLength(1);
    image.close();
  });
});
