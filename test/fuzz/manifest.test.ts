import { describe, expect, it } from 'vitest';
import { ImageError } from '../../src/core/errors.ts';
import { addIncludeosDrives } from '../../src/core/manifest/includeos.ts';
import { attachRumprunImages, readRumprun, rumprunCommandLine } from '../../src/core/manifest/rumprun.ts';
import { decodeSolo5Manifest, encodeSolo5Manifest, type Solo5Manifest } from '../../src/core/manifest/solo5.ts';
import { readSolo5Notes } from '../../src/core/manifest/solo5-notes.ts';
import { makeUnikernel } from '../helpers/elf-writer.ts';
import { memoryDevice } from '../helpers/memory-device.ts';
import { random } from '../helpers/random.ts';

/** Damaged manifests of each kind that are read; more find more. */
const RUNS = Number(process.env['BLOCKLOOM_FUZZ_ROUNDS'] ?? 60) * 60;

const MANIFEST: Solo5Manifest = {
  devices: [
    { name: 'storage', type: 'BLOCK_BASIC' },
    { name: 'service', type: 'NET_BASIC' },
  ],
};

/** Bytes that are changed, swapped for ones that matter as numbers, or cut off. */
function damage(bytes: Uint8Array, next: (below: number) => number): Uint8Array {
  const damaged = Uint8Array.from(bytes);
  for (let i = 0; i <= next(3); i++) {
    const at = next(damaged.length);
    const values = [0, 1, 0x7f, 0x80, 0xff, next(256)];
    damaged.fill(values[next(values.length)]!, at, at + 1 + next(8));
  }
  return next(8) === 0 ? damaged.subarray(0, next(damaged.length)) : damaged;
}

/** How many of many damaged inputs are refused, with one line each; any other error is thrown. */
function refusals(whole: Uint8Array, seed: number, read: (bytes: Uint8Array) => void): number {
  const next = random(seed);
  let refused = 0;
  for (let i = 0; i < RUNS; i++) {
    try {
      read(damage(whole, next));
    } catch (error) {
      if (!(error instanceof ImageError) || error.message.includes('\n')) throw error;
      refused++;
    }
  }
  return refused;
}

describe('manifests that are damaged are read or refused', () => {
  it('in the notes of a unikernel, of which no more is read than there is', () => {
    const elf = makeUnikernel({ manifest: MANIFEST, target: 'hvt', abiVersion: 2 });
    const refused = refusals(elf, 3, (bytes) => readSolo5Notes({ device: memoryDevice(bytes), name: 'k' }));
    expect(refused).toBeGreaterThan(RUNS / 4);
  });

  it('in the JSON of Solo5', () => {
    const json = Buffer.from(encodeSolo5Manifest(MANIFEST));
    expect(refusals(json, 5, (bytes) => decodeSolo5Manifest(bytes, 'm'))).toBeGreaterThan(RUNS / 4);
  });

  it('in the JSON of Rumprun', () => {
    const json = Buffer.from(
      '{,"blk":{"source":"blockloom","path":"a","mountpoint":"/d",},"rc":[{"bin":"b","argv":["x"]}],"env":"A=\\u00e4","cmdline":"c"},',
    );
    const read = (bytes: Uint8Array): string =>
      rumprunCommandLine(attachRumprunImages(readRumprun(bytes, 'm'), 'hw'), 'k');
    expect(refusals(json, 7, read)).toBeGreaterThan(RUNS / 4);
  });

  it("in IncludeOS's vm.json", () => {
    const json = Buffer.from(
      '{"image":"a","drives":[{"file":"d","type":"ide","format":"raw","media":"disk"}],"mem":128}',
    );
    expect(refusals(json, 9, (bytes) => addIncludeosDrives(bytes, 'm', ['/d']))).toBeGreaterThan(RUNS / 4);
  });
});
