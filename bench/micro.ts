import { readFileSync } from 'node:fs';
import { Bench } from 'tinybench';
import { decodeLayerIndex, encodeLayerIndex } from '../src/core/layer/index-file.ts';
import { applyLayer } from '../src/core/tree/apply.ts';
import { Tree } from '../src/core/tree/tree.ts';
import { toExt4Options } from '../src/image/options.ts';
import { planImage } from '../src/image/plan-image.ts';
import { FsVerityHash } from '../src/sinks/fsverity.ts';
import type { Blob, Layer } from '../src/sources/layer.ts';
import { openingOf } from '../src/sources/opening.ts';
import { scanTar } from '../src/sources/scan-tar.ts';
import { type Size, usrInput } from './input.ts';
import { markdown, mebibytes } from './statistics.ts';

const MEBIBYTE = 2 ** 20;

/** Measures the parts of a build, warm and from memory, and prints each one's time for the whole input. */
export async function benchMicro(size: Size): Promise<unknown> {
  const input = await usrInput(size);
  const blob = memoryBlob(input.tar);
  const index = scanTar(blob, input.bytes, openingOf(input.tar, {}));
  const layer: Layer = { reference: input.tar, index, blob };
  const options = toExt4Options({});
  const image = await planImage([layer], options);
  const encoded = encodeLayerIndex(index);
  const block = new Uint8Array(4096);
  const piece = new Uint8Array(MEBIBYTE);
  const bench = new Bench({ time: 500, warmupTime: 500 });
  let random = 1;
  const nextOffset = (): number => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    return (random % Math.floor(image.size / block.length)) * block.length;
  };
  bench
    .add('scan the tar', () => void scanTar(blob, input.bytes, openingOf(input.tar, {})))
    .add('load the index', () => void decodeLayerIndex(encoded))
    .add('apply the layer', () => applyLayer(new Tree([index], [1, 2]), 0, 'follow'))
    .add('apply and plan', async () => void (await planImage([layer], options)))
    .add('read the image, 1 MiB each', () => {
      for (let at = 0; at < image.size; at += MEBIBYTE) image.read(at, piece.subarray(0, image.size - at));
    })
    .add('read 4 KiB at random', () => image.read(nextOffset(), block))
    .add('fs-verity of 1 MiB', () => new FsVerityHash().update(piece));
  await bench.run();
  const results = bench.tasks.map(({ name, result }) => ({
    name,
    milliseconds: 'latency' in result ? result.latency.p50 : Number.NaN,
  }));
  console.log(`${input.entries} entries, an image of ${mebibytes(image.size)} MiB, medians\n`);
  console.log(
    markdown(
      ['', 'ms'],
      results.map(({ name, milliseconds }) => [name, milliseconds.toPrecision(3)]),
    ),
  );
  return { entries: input.entries, results };
}

/** The file as a blob in memory: what is measured is our work, not the kernel's. */
function memoryBlob(path: string): Blob {
  const bytes = readFileSync(path);
  const readSync = (position: number, target: Uint8Array): void =>
    target.set(bytes.subarray(position, position + target.length));
  return {
    sourceCount: 1,
    readSync,
    read: async (position, target) => readSync(position, target),
    sourceAt: () => 0,
    verifySource: () => undefined,
    verifyUnchanged: () => undefined,
    close: () => undefined,
  };
}
