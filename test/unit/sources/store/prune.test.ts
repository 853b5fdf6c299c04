import { closeSync, existsSync, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { INDEX_VERSION } from '../../../../src/core/layer/index-file.ts';
import { openLayers } from '../../../../src/sources/open-layers.ts';
import { HASHES_VERSION } from '../../../../src/sources/store/hash-store.ts';
import { listStore } from '../../../../src/sources/store/listing.ts';
import { pruneStore } from '../../../../src/sources/store/prune.ts';
import { scratch } from '../../../helpers/scratch.ts';
import { age, cacheLayer, DAY, filesBelow, put } from '../../../helpers/store.ts';

const hex = (diffId: string): string => diffId.replace('sha256:', '');
const noteOf = (cache: string, diffId: string): string => join(cache, 'verified/sha256', hex(diffId));

let cache: string;
let old: string;
let fresh: string;
let oldSource: string;

beforeEach(async () => {
  // Files made by a test are then old enough to be recorded.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 });
  onTestFinished(() => void vi.useRealTimers());
  cache = join(scratch(), 'cache');
  oldSource = join(scratch(), 'old.tar.gz');
  old = await cacheLayer(cache, oldSource, 100_000);
  fresh = await cacheLayer(cache, join(scratch(), 'fresh.tar.gz'), 200_000);
  age(noteOf(cache, old), 40);
});

describe('listStore', () => {
  it('has a layer with all that belongs to it, last used first', () => {
    const stored = listStore(cache);
    expect(stored.map(({ kind, name }) => [kind, name])).toEqual([
      ['layer', fresh],
      ['layer', old],
    ]);
    const [, item] = stored;
    expect(item!.paths).toHaveLength(4);
    expect(item!.paths[0]).toBe(join(cache, 'blobs/sha256', hex(old)));
    expect(item!.sources).toEqual([oldSource]);
    expect(item!.size).toBe(item!.paths.reduce((sum, path) => sum + statSync(path).size, 0));
    expect(item!.indexSize).toBeGreaterThan(0);
    expect(Date.now() - item!.lastUsed).toBeGreaterThan(39 * DAY);
  });

  it('tells what the rest is', () => {
    put(join(cache, 'staging/unfinished'), '');
    put(join(cache, 'staging/left'), '', 2);
    put(join(cache, 'index/v0/file-1'), '');
    put(join(cache, 'index/v99/file-1'), '');
    put(join(cache, `index/v${INDEX_VERSION}/file-1`), '');
    put(join(cache, 'verity/v0/salt/file-1'), '');
    put(join(cache, `verity/v${HASHES_VERSION}/salt/file-1`), '');
    put(join(cache, 'verity/v99/salt/file-1'), '');
    put(join(cache, 'in-place/1'), `${old}\nx\n`);
    put(join(cache, 'documents/sha256/1'), '{}');
    put(join(cache, 'sources/1'), `sha256:${'0'.repeat(64)}\nx\n`);
    put(join(cache, 'verified/sha256', 'f'.repeat(64)), '');
    put(join(cache, 'new-kind/of/record'), '');
    const others = listStore(cache).filter(({ kind }) => kind !== 'layer');
    expect(Object.fromEntries(others.map(({ name, kind }) => [name, kind]))).toEqual({
      'staging/unfinished': 'unfinished',
      'staging/left': 'leftover',
      'index/v0/file-1': 'leftover',
      'index/v99/file-1': 'other',
      [`index/v${INDEX_VERSION}/file-1`]: 'index',
      'verity/v0/salt/file-1': 'leftover',
      [`verity/v${HASHES_VERSION}/salt/file-1`]: 'hashes',
      'verity/v99/salt/file-1': 'other',
      'in-place/1': 'record',
      'documents/sha256/1': 'document',
      'sources/1': 'leftover',
      [`verified/sha256/${'f'.repeat(64)}`]: 'leftover',
      'new-kind/of/record': 'other',
    });
  });

  it('is empty where there is no cache', () => {
    expect(listStore(join(scratch(), 'none'))).toEqual([]);
  });
});

describe('pruneStore', () => {
  const names = (stored: readonly { readonly name: string }[]): string[] => stored.map(({ name }) => name);

  it('removes leftovers and nothing else, unless told', () => {
    put(join(cache, 'staging/left'), 'x', 2);
    put(join(cache, 'documents/sha256/1'), '{}', 50);
    expect(names(pruneStore(cache, { ageMax: 45 * DAY, dryRun: true }).removed)).toContain('documents/sha256/1');
    rmSync(join(cache, 'documents'), { recursive: true });
    expect(names(pruneStore(cache, {}).removed)).toEqual(['staging/left']);
    expect(existsSync(join(cache, 'staging/left'))).toBe(false);
    expect(names(listStore(cache))).toEqual([fresh, old]);
  });

  it('removes what was not used for long, with all that belongs to it', () => {
    expect(names(pruneStore(cache, { ageMax: 30 * DAY }).removed)).toEqual([old]);
    expect(filesBelow(cache).filter((name) => name.includes(hex(old)))).toEqual([]);
    expect(names(listStore(cache))).toEqual([fresh]);
  });

  it('removes what was used least lately until the rest fits', () => {
    const [newer] = listStore(cache);
    const { removed, kept } = pruneStore(cache, { bytesMax: newer!.allocated });
    expect([names(removed), names(kept)]).toEqual([[old], [fresh]]);
    expect(names(pruneStore(cache, { bytesMax: newer!.allocated - 1 }).removed)).toEqual([fresh]);
  });

  it('removes everything but what is being written', () => {
    put(join(cache, 'staging/unfinished'), '');
    put(join(cache, 'new-kind/record'), '');
    expect(names(pruneStore(cache, { all: true }).kept)).toEqual(['staging/unfinished']);
    expect(filesBelow(cache)).toEqual(['CACHEDIR.TAG', 'staging/unfinished']);
  });

  it('removes nothing when it is only asked', () => {
    const before = filesBelow(cache);
    expect(names(pruneStore(cache, { all: true, dryRun: true }).removed)).toEqual([old, fresh]);
    expect(filesBelow(cache)).toEqual(before);
  });

  it.runIf(existsSync('/proc/self/fd'))('leaves what a process has open', () => {
    const fd = openSync(join(cache, 'blobs/sha256', hex(old)), 'r');
    const { removed, inUse } = pruneStore(cache, { all: true });
    closeSync(fd);
    expect([names(removed), names(inUse)]).toEqual([[fresh], [old]]);
    expect(names(pruneStore(cache, { all: true }).removed)).toEqual([old]);
  });
});

describe('the use of a layer', () => {
  it('is noted once a day', async () => {
    const before = statSync(noteOf(cache, fresh)).mtimeMs;
    await reopen();
    expect(Date.now() - statSync(noteOf(cache, old)).mtimeMs).toBeLessThan(DAY);
    expect(statSync(noteOf(cache, fresh)).mtimeMs).toBe(before);
    const noted = statSync(noteOf(cache, old)).mtimeMs;
    vi.setSystemTime(Date.now() + DAY / 2);
    await reopen();
    expect(statSync(noteOf(cache, old)).mtimeMs).toBe(noted);
  });

  it('keeps it when the cache is limited by who uses it', async () => {
    const { layers } = await openLayers([oldSource], { cache, cacheBytesMax: 1 });
    expect(listStore(cache).map(({ name }) => name)).toEqual([old]);
    layers[0]!.blob.close();
  });

  async function reopen(): Promise<void> {
    const { layers } = await openLayers([oldSource], { cache });
    layers[0]!.blob.close();
  }
});
