import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Progress } from '../../../../src/core/progress.ts';
import { listStore } from '../../../../src/sources/store/listing.ts';
import { verifyStore } from '../../../../src/sources/store/verify.ts';
import { scratch } from '../../../helpers/scratch.ts';
import { cacheLayer } from '../../../helpers/store.ts';

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= 1;
  writeFileSync(path, bytes);
}

describe('verifyStore', () => {
  it('finds a flipped bit in a tar and in an index', async () => {
    const cache = join(scratch(), 'cache');
    await cacheLayer(cache, join(scratch(), 'a.tar.gz'), 5000);
    expect(await verifyStore(cache)).toEqual({ files: 2, damaged: [] });
    const [layer] = listStore(cache);
    const index = layer!.paths.find((path) => path.includes('/index/'))!;
    flip(layer!.paths[0]!, 3000);
    flip(index, 100);
    const { damaged } = await verifyStore(cache);
    expect(damaged.map(({ path, what }) => [path, what.replace(/[\da-f]{64}/, 'DIGEST')])).toEqual(
      expect.arrayContaining([
        [layer!.paths[0], 'it has the digest sha256:DIGEST'],
        [index, 'its checksum does not match'],
      ]),
    );
    expect(damaged).toHaveLength(2);
  });

  it('tells how far it is, and ends when it is told to', async () => {
    const cache = join(scratch(), 'cache');
    await cacheLayer(cache, join(scratch(), 'a.tar.gz'), 5000);
    const told: Progress[] = [];
    await verifyStore(cache, { onProgress: (progress) => told.push(progress) });
    expect(told).toContainEqual(expect.objectContaining({ phase: 'verifying', files: { done: 0, total: 2 } }));
    await expect(verifyStore(cache, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });

  it('has nothing to say where there is no cache', async () => {
    expect(await verifyStore(join(scratch(), 'none'))).toEqual({ files: 0, damaged: [] });
  });
});
