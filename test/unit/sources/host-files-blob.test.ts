import { execFileSync } from 'node:child_process';
import { appendFileSync, readdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Layer } from '../../../src/sources/layer.ts';
import { openLayer } from '../../../src/sources/open-layer.ts';
import { scratch } from '../../helpers/scratch.ts';

const openFiles = (): number => readdirSync('/proc/self/fd').length;

/** 150 files of 0 to 148 bytes, and all their bytes in order. */
async function manyFiles(root: string): Promise<{ layer: Layer; all: Buffer }> {
  const parts: Buffer[] = [];
  for (let i = 0; i < 150; i++) {
    const content = Buffer.alloc((i * 7) % 149, i);
    parts.push(content);
    writeFileSync(join(root, String(i).padStart(3, '0')), content);
  }
  return { layer: await openLayer(`dir:${root}`), all: Buffer.concat(parts) };
}

describe('HostFilesBlob', () => {
  it('reads across files from any position, both ways, with few of them open', async () => {
    const { layer, all } = await manyFiles(scratch());
    const before = openFiles();
    const range = fc.tuple(fc.nat({ max: all.length - 1 }), fc.nat({ max: 3000 }));
    await fc.assert(
      fc.asyncProperty(range, async ([position, wanted]) => {
        const length = Math.min(wanted, all.length - position);
        const [sync, async] = [Buffer.alloc(length), Buffer.alloc(length)];
        layer.blob.readSync(position, sync);
        await layer.blob.read(position, async);
        expect(sync.equals(all.subarray(position, position + length))).toBe(true);
        expect(async.equals(sync)).toBe(true);
        expect(openFiles() - before).toBeLessThanOrEqual(64);
      }),
    );
    layer.blob.verifyUnchanged();
    layer.blob.close();
    expect(openFiles()).toBe(before);
  });

  it('ends reads under way before it closes their files', async () => {
    const { layer, all } = await manyFiles(scratch());
    const before = openFiles();
    const targets = Array.from({ length: 200 }, () => Buffer.alloc(900));
    const reads = targets.map((target, i) => layer.blob.read((i * 50) % 9000, target));
    layer.blob.close();
    await Promise.all(reads);
    for (const [i, target] of targets.entries())
      expect(target.equals(all.subarray((i * 50) % 9000).subarray(0, 900))).toBe(true);
    expect(openFiles()).toBe(before);
  });

  it.each<[string, (path: string) => void]>([
    ['grew', (path) => appendFileSync(path, 'x')],
    ['shrank', (path) => truncateSync(path, 3)],
    ['has other content', (path) => writeFileSync(path, 'CONTENT')],
    ['is gone', (path) => rmSync(path)],
    ['is another file', (path) => (writeFileSync(`${path}2`, 'content'), renameSync(`${path}2`, path))],
    ['is a symlink to its copy', (path) => (renameSync(path, `${path}2`), symlinkSync(`${path}2`, path))],
    ['is a fifo', (path) => (rmSync(path), execFileSync('mkfifo', [path]))],
  ])('refuses a file that %s', async (_, change) => {
    const root = scratch();
    writeFileSync(join(root, 'a'), 'first');
    writeFileSync(join(root, 'b'), 'content');
    const { blob } = await openLayer(root, { layer: 3 });
    change(join(root, 'b'));
    const expected = { code: 'layer-changed', context: expect.objectContaining({ layer: 3, path: 'b' }) as unknown };
    expect(() => blob.verifyUnchanged()).toThrow(expect.objectContaining(expected));
    expect(() => blob.readSync(6, Buffer.alloc(3))).toThrow(expect.objectContaining(expected));
    await expect(blob.read(2, Buffer.alloc(10))).rejects.toMatchObject(expected);
    blob.readSync(0, Buffer.alloc(5));
    blob.close();
  });

  it('refuses a file that became shorter while it was open', async () => {
    const root = scratch();
    writeFileSync(join(root, 'a'), 'content');
    const { blob } = await openLayer(root);
    blob.readSync(0, Buffer.alloc(2));
    truncateSync(join(root, 'a'), 3);
    expect(() => blob.readSync(0, Buffer.alloc(7))).toThrow(expect.objectContaining({ code: 'layer-changed' }));
    blob.close();
  });
});
