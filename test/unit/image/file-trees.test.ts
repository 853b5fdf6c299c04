import { createHash } from 'node:crypto';
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openLayeredImage, type OpenImageOptions } from '../../../src/image/open-image.ts';
import { FileBlob } from '../../../src/sources/file-blob.ts';
import { bytesOfImage } from '../../helpers/image-case.ts';
import { scratch } from '../../helpers/scratch.ts';
import { makeTar, type TarEntry } from '../../helpers/tar-writer.ts';

const ENTRIES: readonly TarEntry[] = [
  { name: 'empty', data: '' },
  { name: 'a', data: 'a'.repeat(700_000) },
  { name: 'b', data: 'b'.repeat(5000) },
  {
    name: 'holes',
    data: 'c'.repeat(9000),
    sparse: { form: '1.0', size: 1e6, segments: [{ offset: 8192, length: 9000 }] },
  },
  { name: 'end', data: '' },
];

/** Writes a layer, old enough for a cache to know it again. */
function layer(folder: string, name: string, entries: readonly TarEntry[]): string {
  const path = join(folder, name);
  writeFileSync(path, makeTar(entries));
  utimesSync(path, 1_700_000_000, 1_700_000_000);
  return path;
}

/** The digest of an image, and how many bytes of layers were read before it was open. */
async function made(options: OpenImageOptions): Promise<{ sha256: string; read: number }> {
  const reading = vi.spyOn(FileBlob.prototype, 'read');
  const { image } = await openLayeredImage(options);
  const read = reading.mock.calls.reduce((sum, [, target]) => sum + target.length, 0);
  reading.mockRestore();
  try {
    return { sha256: createHash('sha256').update(bytesOfImage(image)).digest('hex'), read };
  } finally {
    image.close();
  }
}

describe('an image whose files have fs-verity', () => {
  it('is the same with a cache, from which no file is read again', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 });
    onTestFinished(() => void vi.useRealTimers());
    const folder = scratch();
    const cache = join(folder, 'cache');
    const layers = [layer(folder, 'a.tar', ENTRIES)];
    const first = await made({ layers, cache, fsverity: ['/'] });
    expect(first.read).toBeGreaterThanOrEqual(714_000);
    expect(await made({ layers, cache, fsverity: ['/'] })).toEqual({ ...first, read: 0 });
    expect(await made({ layers, cache: false, fsverity: ['/'] })).toEqual(first);
    const one = await made({ layers, cache, fsverity: ['/b'] });
    expect(one.read).toBe(0);
    expect(one.sha256).not.toBe(first.sha256);
  });

  it('reads files that are there alone, and none when it is only planned', async () => {
    const folder = scratch();
    const layers = [
      layer(folder, 'a.tar', ENTRIES),
      layer(folder, 'b.tar', [{ name: '.wh.a' }, { name: 'b', data: 'b' }]),
    ];
    const { read } = await made({ layers, cache: false, fsverity: ['/'] });
    expect(read).toBe(9001);
    const reading = vi.spyOn(FileBlob.prototype, 'read');
    const { image, filesystem } = await openLayeredImage({ layers, cache: false, fsverity: ['/'], planOnly: true });
    expect(reading).not.toHaveBeenCalled();
    reading.mockRestore();
    const { offset, length } = filesystem.locate('b')!;
    expect([length, image.label(offset)]).toEqual([8192, 'file /b (layer 1)']);
    expect(image.label(offset + 4096)).toBe('fs-verity of file /b (layer 1)');
    expect(() => image.read(offset + 4096, new Uint8Array(1))).toThrow('only planned');
    image.close();
  });

  it('leaves no descriptor behind', async () => {
    const layers = [layer(scratch(), 'a.tar', ENTRIES)];
    const descriptors = readdirSync('/proc/self/fd').length;
    await made({ layers, cache: false, fsverity: ['/'], verity: true });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(openLayeredImage({ layers, cache: false, fsverity: ['/'], signal })).rejects.toThrow('enough');
    await expect(openLayeredImage({ layers, cache: false, fsverity: ['/none'] })).rejects.toThrow('no file at /none');
    expect(readdirSync('/proc/self/fd').length).toBe(descriptors);
  });
});
