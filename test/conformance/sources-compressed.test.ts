import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageError } from '../../src/core/errors.ts';
import { unxz } from '../../src/sources/decompress/xz.ts';
import { unzstd } from '../../src/sources/decompress/zstd.ts';
import { openLayer } from '../../src/sources/open-layer.ts';
import { chunksOf, gather } from '../helpers/chunks.ts';
import { scratch } from '../helpers/scratch.ts';
import { makeTar } from '../helpers/tar-writer.ts';

const text = Array.from({ length: 60_000 }, (_, i) => `line ${i} of ${(i * i) % 977}\n`).join('');
const tar = makeTar([{ name: 'a' }, { name: 'text', data: text }, { name: 'noise', data: noise(400_000) }]);
const half = tar.length >> 1;

function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 24);
}

function has(tool: string): boolean {
  const found = spawnSync(tool, ['--version']).status === 0;
  if (!found) console.log(`skipped: ${tool} is not installed`);
  return found;
}

const pack = (tool: string, args: readonly string[], input: Uint8Array): Buffer =>
  execFileSync(tool, ['-c', ...args], { input, maxBuffer: 1e8 });

/** Opens a packed tar with either zstd decoder; says whether both found `tar`. */
async function findsTar(bytes: Uint8Array): Promise<boolean> {
  const directory = scratch();
  writeFileSync(join(directory, 'packed'), bytes);
  let isSame = true;
  for (const zstdEngine of [undefined, 'fzstd'] as const) {
    const layer = await openLayer(join(directory, 'packed'), { cache: false, zstdEngine });
    const read = new Uint8Array(tar.length);
    layer.blob.readSync(0, read);
    isSame &&= Buffer.compare(read, tar) === 0 && layer.index.count === 3;
    layer.blob.close();
  }
  return isSame;
}

describe.runIf(has('gzip'))('the files of gzip', () => {
  it.each(['-1', '-9'])('are read, packed with %s', async (level) => {
    expect(await findsTar(pack('gzip', [level], tar))).toBe(true);
    expect(
      await findsTar(
        Buffer.concat([pack('gzip', [level], tar.subarray(0, half)), pack('gzip', [level], tar.subarray(half))]),
      ),
    ).toBe(true);
  });
});

describe.runIf(has('zstd'))('the files of zstd', () => {
  it.each([['-1'], ['-19'], ['--long=27', '-3'], ['--no-check'], ['-B16384', '-T2'], ['--fast=5']])(
    'are read, packed with %s',
    async (...args) => {
      expect(await findsTar(pack('zstd', args, tar))).toBe(true);
      expect(
        await findsTar(
          Buffer.concat([pack('zstd', args, tar.subarray(0, half)), pack('zstd', args, tar.subarray(half))]),
        ),
      ).toBe(true);
    },
  );

  it('with a longer window are refused', async () => {
    const packed = pack('zstd', ['--long=28', '-3'], tar);
    await expect(gather(unzstd(chunksOf(packed, 1e6), {}))).rejects.toMatchObject({ code: 'layer-unsupported' });
  });

  it('damaged anywhere are refused, by either decoder', async () => {
    const packed = pack('zstd', ['-3'], tar.subarray(0, 100_000));
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: packed.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = Buffer.from(packed);
        damaged[at] = (damaged[at] ?? 0) ^ change;
        expect(
          await wrongContent(unzstd(chunksOf(damaged, 1e6), {}, 'fzstd'), tar.subarray(0, 100_000)),
        ).toBeUndefined();
        expect(await wrongContent(unzstd(chunksOf(damaged, 1e6), {}), tar.subarray(0, 100_000))).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});

describe.runIf(has('xz'))('the files of xz', () => {
  it.each([['-0'], ['-9'], ['--check=crc32'], ['--check=none'], ['--block-size=65536']])(
    'are read, packed with %s',
    async (...args) => {
      expect(await findsTar(pack('xz', args, tar))).toBe(true);
      const streams = [pack('xz', args, tar.subarray(0, half)), pack('xz', args, tar.subarray(half))];
      expect(await findsTar(Buffer.concat(streams))).toBe(true);
      expect(
        await findsTar(Buffer.concat([streams[0] ?? tar, Buffer.alloc(8), streams[1] ?? tar, Buffer.alloc(4)])),
      ).toBe(true);
    },
  );

  it('that are cut are refused', async () => {
    const packed = pack('xz', ['-6'], tar.subarray(0, 50_000));
    for (let length = 6; length < packed.length; length += 211) {
      const cut = gather(unxz(chunksOf(packed.subarray(0, length), 1000), { layer: 1 }));
      await expect(cut, `at ${length}`).rejects.toMatchObject({ code: 'layer-truncated', context: { layer: 1 } });
    }
  });

  it('that are damaged or followed by something are refused', async () => {
    const packed = pack('xz', ['-6'], tar.subarray(0, 50_000));
    const followed = gather(unxz(chunksOf(Buffer.concat([packed, Buffer.from('plain garbage')]), 1e6), {}));
    await expect(followed).rejects.toMatchObject({ code: 'layer-corrupt' });
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: packed.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = Buffer.from(packed);
        damaged[at] = (damaged[at] ?? 0) ^ change;
        expect(await wrongContent(unxz(chunksOf(damaged, 1e6), {}), tar.subarray(0, 50_000))).toBeUndefined();
      }),
      { numRuns: 100 },
    );
  });

  it('of a kind that the decoder lacks are told apart from damage', async () => {
    const kinds = [['--check=sha256'], ['--lzma2=preset=6,dict=128MiB'], ['--x86', '--lzma2=preset=6']];
    for (const args of kinds) {
      const opening = gather(unxz(chunksOf(pack('xz', args, tar), 1e6), {}));
      await opening.then(
        (read) => expect(Buffer.compare(read, tar)).toBe(0),
        (error: unknown) => expect(error).toMatchObject({ code: 'layer-unsupported' }),
      );
    }
  });

  it('are read several at once', async () => {
    const packed = pack('xz', ['-1'], tar);
    const read = await Promise.all([1, 2, 3].map(() => gather(unxz(chunksOf(packed, 5000), {}))));
    for (const bytes of read) expect(Buffer.compare(bytes, tar)).toBe(0);
  });
});

/** Damage is refused, or in a place that does not matter (a reserved name, a hint) leaves the content right; else what came out. */
async function wrongContent(stream: AsyncIterable<Uint8Array>, content: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    const read = await gather(stream);
    return Buffer.compare(read, content) === 0 ? undefined : read;
  } catch (error) {
    if (error instanceof ImageError && /^layer-(corrupt|truncated|unsupported)$/.test(error.code)) return undefined;
    throw error;
  }
}
