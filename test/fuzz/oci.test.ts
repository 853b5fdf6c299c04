import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ImageError } from '../../src/core/errors.ts';
import { openLayers } from '../../src/sources/open-layers.ts';
import { json, writeLayout } from '../helpers/oci-layout.ts';
import { random } from '../helpers/random.ts';
import { scratch } from '../helpers/scratch.ts';
import { makeTar } from '../helpers/tar-writer.ts';

const RUNS = Number(process.env['BLOCKLOOM_FUZZ'] ?? 150);
const base = makeTar([{ name: 'etc/' }, { name: 'etc/a', data: 'a'.repeat(3000) }]);
const top = makeTar([{ name: 'etc/.wh.a' }, { name: 'b', data: 'b' }]);
const openFiles = (): number => readdirSync('/proc/self/fd').length;

/** Opens what stands behind a reference, or gives up with an error that is one line and names the reference. */
async function open(reference: string): Promise<'open' | 'refused'> {
  try {
    const { layers } = await openLayers([reference], { cache: false, platform: 'linux/amd64' });
    for (const { blob } of layers) blob.close();
    return 'open';
  } catch (error) {
    if (!(error instanceof ImageError) || error.message.includes('\n') || error.context.reference === undefined)
      throw error;
    return 'refused';
  }
}

/** A few bytes that are others, or text of JSON in the place of text of JSON. */
function damage(bytes: Uint8Array, next: (below: number) => number): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1');
  const swaps = ['null', '[]', '{}', '-1', '1e99', '"\\u0000"', '"../../x"', '"sha256:12"', '99999999999', '"x"'];
  const values = [...text.matchAll(/"[^"]*"(?!:)|\d+/g)];
  const value = values[next(Math.max(values.length, 1))];
  if (value !== undefined && next(3) > 0) {
    const end = value.index + value[0].length;
    return Buffer.from(text.slice(0, value.index) + swaps[next(swaps.length)] + text.slice(end), 'latin1');
  }
  const damaged = bytes.slice();
  for (let i = 0; i <= next(4); i++) damaged[next(damaged.length)] = next(256);
  return next(8) === 0 ? damaged.subarray(0, next(damaged.length)) : damaged;
}

describe('images that are damaged', () => {
  it('are opened, or refused with their reference, in an image layout', async () => {
    const whole = scratch();
    writeLayout(whole, [{ tag: 'a', layers: [base, top] }]);
    expect(await open(`oci:${whole}`)).toBe('open');
    const blobs = readdirSync(join(whole, 'blobs/sha256')).map((name) => `blobs/sha256/${name}`);
    const next = random(11);
    const before = openFiles();
    let refused = 0;
    for (let i = 0; i < RUNS; i++) {
      const directory = scratch();
      cpSync(whole, directory, { recursive: true });
      const name = ['index.json', ...blobs][next(blobs.length + 1)]!;
      writeFileSync(join(directory, name), damage(readFileSync(join(whole, name)), next));
      if ((await open(`oci:${directory}`)) === 'refused') refused++;
    }
    expect(refused).toBeGreaterThan(RUNS / 2);
    expect(openFiles()).toBe(before);
  });

  it('are opened, or refused with their reference, in what docker save writes', async () => {
    const config = json({ os: 'linux', architecture: 'amd64', rootfs: { diff_ids: [`sha256:${'0'.repeat(64)}`] } });
    const entries = [
      { name: 'config.json', data: config },
      { name: 'l/layer.tar', data: base },
      { name: 'm', type: 'symlink' as const, linkName: '../l/layer.tar' },
      { name: 'manifest.json', data: json([{ Config: 'config.json', RepoTags: ['a:1'], Layers: ['l/layer.tar'] }]) },
    ];
    const whole = makeTar(entries);
    const next = random(13);
    const path = join(scratch(), 'archive');
    const before = openFiles();
    for (let i = 0; i < RUNS; i++) {
      const isMember = next(2) === 0;
      const members = entries.map((entry) => ('data' in entry ? { ...entry, data: damage(entry.data, next) } : entry));
      const bytes = isMember ? makeTar(members) : damage(whole, next);
      writeFileSync(path, next(4) === 0 ? gzipSync(bytes) : bytes);
      expect(await open(`docker-archive:${path}`)).toBe('refused');
      await open(`oci-archive:${path}:a`);
    }
    expect(openFiles()).toBe(before);
  });
});
