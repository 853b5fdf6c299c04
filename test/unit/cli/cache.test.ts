import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { listStore } from '../../../src/sources/store/listing.ts';
import { blockloom, output } from '../../helpers/cli.ts';
import { scratch } from '../../helpers/scratch.ts';
import { cacheLayer } from '../../helpers/store.ts';

let cwd: string;
let cache: string;
let diffId: string;

beforeEach(async () => {
  cwd = scratch();
  cache = join(cwd, '.cache/blockloom');
  diffId = await cacheLayer(cache, join(cwd, 'a.tar.gz'), 50_000);
});

describe('cache', () => {
  it('lists what is kept, and removes it', () => {
    const text = output(['cache', 'ls'], { cwd }).split('\n');
    expect(text[0]).toMatch(/^kind +size +on disk +index +last used +name, sources$/);
    expect(text[1]).toMatch(new RegExp(`^layer .* \\d{4}-\\d\\d-\\d\\d  ${diffId}`));
    expect(text.at(-1)).toContain(`on the disk, in ${cache}`);
    const listed = JSON.parse(output(['cache', 'ls', '--json'], { cwd })) as object;
    expect(listed).toMatchObject({ cache, items: [{ kind: 'layer', name: diffId }], size: expect.any(Number) });

    expect(output(['cache', 'prune', '--max-size', '1K', '--dry-run'], { cwd })).toContain('would be removed');
    expect(listStore(cache)).toHaveLength(1);
    expect(JSON.parse(output(['cache', 'prune', '--older-than', '1d', '--json'], { cwd }))).toMatchObject({
      removed: [],
    });
    expect(output(['cache', 'prune', '--max-size', '1K'], { cwd })).toMatch(/\n1 item, .* removed\n0 items, /);
    expect(listStore(cache)).toEqual([]);
    expect(output(['cache', 'ls'], { cwd })).toMatch(/^0 items, /);
  });

  it('finds what is damaged, and removes it when told', () => {
    expect(output(['cache', 'verify'], { cwd })).toBe('2 files verified, 0 damaged');
    const blob = join(cache, 'blobs/sha256', diffId.slice('sha256:'.length));
    writeFileSync(blob, Buffer.concat([readFileSync(blob), Buffer.alloc(1)]));
    const found = blockloom(['cache', 'verify'], { cwd });
    expect([found.status, found.stdout]).toEqual([4, expect.stringContaining(`${blob}: it has the digest sha256:`)]);
    expect(found.stdout).toContain('2 files verified, 1 damaged; --remove removes them');
    const removed = blockloom(['cache', 'verify', '--remove', '--json'], { cwd });
    expect([removed.status, JSON.parse(removed.stdout)]).toEqual([
      4,
      { cache, files: 2, damaged: [{ path: blob, what: expect.any(String) }], removed: true },
    ]);
    expect(existsSync(blob)).toBe(false);
    expect(blockloom(['cache', 'verify'], { cwd }).status).toBe(0);
  });

  it('is kept within a limit after an image was made, told by an option or the environment', () => {
    output(['measure', 'a.tar.gz', '--cache-max', '1G'], { cwd });
    expect(listStore(cache)).toHaveLength(1);
    writeFileSync(join(cwd, 'empty.tar'), Buffer.alloc(10_240));
    output(['measure', 'empty.tar'], { cwd, env: { BLOCKLOOM_CACHE_MAX: '1K' } });
    expect(listStore(cache)).toEqual([]);
    expect(blockloom(['measure', 'empty.tar'], { cwd, env: { BLOCKLOOM_CACHE_MAX: 'much' } })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('BLOCKLOOM_CACHE_MAX'),
    });
  });

  it('is a usage error without what to do', () => {
    expect(blockloom(['cache'], { cwd })).toMatchObject({ status: 2, stdout: '' });
  });
});
