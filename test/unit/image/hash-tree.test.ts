import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { hexOf } from '../../../src/core/bytes.ts';
import { openLayeredImage, type OpenImageOptions } from '../../../src/image/open-image.ts';
import { FileBlob } from '../../../src/sources/file-blob.ts';
import { listStore } from '../../../src/sources/store/listing.ts';
import { verifyStore } from '../../../src/sources/store/verify.ts';
import { bytesOfImage } from '../../helpers/image-case.ts';
import { plainTree } from '../../helpers/plain-verity.ts';
import { scratch } from '../../helpers/scratch.ts';
import { makeTar, type TarEntry } from '../../helpers/tar-writer.ts';

const noise = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (Math.imul(i + seed, 2_654_435_761) >>> 13) & 0xff);

const BASE: readonly TarEntry[] = [
  { name: 'a', data: noise(1_500_000, 1) },
  {
    name: 'holes',
    data: noise(9000, 2),
    sparse: { form: '1.0', size: 1e6, segments: [{ offset: 8192, length: 9000 }] },
  },
  ...Array.from({ length: 50 }, (_, i) => ({ name: `small/${i}`, data: noise(i * 200, i) })),
];
const APP: readonly TarEntry[] = [{ name: 'app', data: noise(20_000, 3) }];

/** Writes a layer, old enough for a cache to know it again. */
function layer(folder: string, name: string, entries: readonly TarEntry[]): string {
  const path = join(folder, name);
  writeFileSync(path, makeTar(entries));
  utimesSync(path, 1_700_000_000, 1_700_000_000);
  return path;
}

/** Files made by a test are then old enough to be known again. */
function later(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 });
  onTestFinished(() => void vi.useRealTimers());
}

/** What an image is, its root, and how many bytes of layers its tree took. */
async function made(options: OpenImageOptions): Promise<{ size: number; sha256: string; root: string; read: number }> {
  let read = 0;
  const reading = vi.spyOn(FileBlob.prototype, 'read');
  const { image, verity } = await openLayeredImage(options);
  for (const [, target] of reading.mock.calls) read += target.length;
  reading.mockRestore();
  try {
    const sha256 = createHash('sha256').update(bytesOfImage(image)).digest('hex');
    return { size: image.size, sha256, root: hexOf(verity!.rootHash), read };
  } finally {
    image.close();
  }
}

describe('an image with a hash tree', () => {
  it('has it behind the filesystem, which stays as it is', async () => {
    const folder = scratch();
    const layers = [layer(folder, 'base.tar', BASE), layer(folder, 'app.tar', APP)];
    const { image } = await openLayeredImage({ layers, cache: false });
    onTestFinished(() => image.close());
    const plain = bytesOfImage(image);
    const salt = new Uint8Array([1, 2, 3]);
    const { image: whole, verity } = await openLayeredImage({ layers, cache: false, veritySalt: salt });
    onTestFinished(() => whole.close());
    const bytes = bytesOfImage(whole);
    expect(Buffer.compare(bytes.subarray(0, plain.length), plain)).toBe(0);
    const expected = plainTree(plain, salt);
    expect(hexOf(verity!.rootHash)).toBe(hexOf(expected.root));
    expect(Buffer.compare(bytes.subarray(plain.length + 4096), expected.tree)).toBe(0);
  });

  it('is the same with a cache, from which only what changed is read', async () => {
    later();
    const folder = scratch();
    const cache = join(folder, 'cache');
    const base = layer(folder, 'base.tar', BASE);
    const layers = [base, layer(folder, 'app.tar', APP)];
    const first = await made({ layers, cache, verity: true });
    expect(first.read).toBeGreaterThan(1_500_000);
    const second = await made({ layers, cache, verity: true });
    expect(second).toEqual({ ...first, read: 0 });
    expect(await made({ layers, cache: false, verity: true })).toEqual(first);

    const changed = await made({
      layers: [base, layer(folder, 'app.tar', [{ name: 'app', data: 'new' }])],
      cache,
      verity: true,
    });
    expect(changed.read).toBeLessThan(10_000);
    expect(changed.root).not.toBe(first.root);
    const salted = await made({ layers, cache, veritySalt: new Uint8Array() });
    expect(salted.read).toBeGreaterThan(1_500_000);
  });

  it('knows blocks that another image had, and adds its own', async () => {
    later();
    const folder = scratch();
    const cache = join(folder, 'cache');
    const base = layer(folder, 'base.tar', BASE);
    const hidden = layer(folder, 'hidden.tar', [{ name: '.wh.a' }]);
    const without = await made({ layers: [base, hidden], cache, verity: true });
    expect(without.read).toBeLessThan(500_000);
    const whole = await made({ layers: [base], cache, verity: true });
    expect(whole.read).toBe(1_500_000);
    expect(await made({ layers: [base], cache: false, verity: true })).toMatchObject({ root: whole.root });
  });

  it('does not believe hashes that are damaged, which cache verify finds', async () => {
    later();
    const folder = scratch();
    const cache = join(folder, 'cache');
    const layers = [layer(folder, 'base.tar', BASE)];
    const first = await made({ layers, cache, verity: true });
    const item = listStore(cache).find(({ kind }) => kind === 'hashes')!;
    const [path] = item.paths;
    const bytes = readFileSync(path!);
    bytes[40]! ^= 1;
    writeFileSync(path!, bytes);
    expect((await verifyStore(cache)).damaged).toEqual([{ path, what: 'its checksum does not match' }]);
    expect(await made({ layers, cache, verity: true })).toEqual(first);
    expect((await verifyStore(cache)).damaged).toEqual([]);
    writeFileSync(path!, bytes.subarray(0, 100));
    expect(await made({ layers, cache, verity: true })).toEqual(first);
  });

  it('leaves no file and no descriptor behind', async () => {
    later();
    const folder = scratch();
    const cache = join(folder, 'cache');
    const layers = [layer(folder, 'base.tar', BASE), layer(folder, 'app.tar', APP)];
    await made({ layers, cache, verity: true });
    const descriptors = readdirSync('/proc/self/fd').length;
    await made({ layers, cache, verity: true });
    await expect(
      openLayeredImage({
        layers,
        cache,
        verity: true,
        veritySalt: new Uint8Array(1),
        signal: AbortSignal.abort(new Error('enough')),
      }),
    ).rejects.toThrow('enough');
    expect(readdirSync('/proc/self/fd').length).toBe(descriptors);
    expect(readdirSync(join(cache, 'staging'))).toEqual([]);
  });

  it('is planned without a file being read', async () => {
    const folder = scratch();
    const layers = [layer(folder, 'base.tar', BASE)];
    const { image, verity } = await openLayeredImage({ layers, cache: false, verity: true, planOnly: true });
    onTestFinished(() => image.close());
    expect(verity).toBeUndefined();
    const whole = await made({ layers, cache: false, verity: true });
    expect(image.size).toBe(whole.size);
    expect(image.label(image.size - 1)).toBe('hash tree, level 0');
  });

  it('costs nothing for zeros, however many', async () => {
    const folder = scratch();
    const options = { layers: [layer(folder, 'app.tar', APP)], cache: false, verity: true, size: 2 ** 40 } as const;
    const { image, verity } = await openLayeredImage(options);
    onTestFinished(() => image.close());
    expect(verity!.dataBlocks).toBe(2 ** 28);
    const end = new Uint8Array(4096);
    image.read(image.size - 4096, end);
    expect(hexOf(end.subarray(0, 32))).toBe(hexOf(end.subarray(4064)));
    expect(statSync(options.layers[0]).size).toBeLessThan(50_000);
  });

  it.each([
    [
      'blocks of 1024 bytes',
      { verity: true, blockSize: 1024 } as const,
      /^a hash tree over blocks of 1024 bytes: dm-verity needs a block size of 4096$/,
    ],
    ['a long salt', { veritySalt: new Uint8Array(257) }, /^a verity salt of 257 bytes: at most 256$/],
  ])('is refused with %s', async (_, options, message) => {
    await expect(openLayeredImage({ layers: ['none.tar'], cache: false, ...options })).rejects.toMatchObject({
      code: 'option-invalid',
      message: expect.stringMatching(message) as string,
    });
  });
});
