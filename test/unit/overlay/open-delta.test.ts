import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDelta, openDeltaReadOnly } from '../../../src/overlay/open-delta.ts';
import { Overlay } from '../../../src/overlay/overlay.ts';
import { deltaBaseOf, memoryBase } from '../../helpers/overlay.ts';
import { scratch } from '../../helpers/scratch.ts';
import { run } from '../../helpers/tools.ts';

const BLOCK = 4096;
const SIZE = 20 * BLOCK;
const base = deltaBaseOf(SIZE);

describe('openDelta', () => {
  it('makes a delta, alone in its folder, and goes on with it', async () => {
    const folder = scratch();
    const path = join(folder, 'a.delta');
    const overlay = new Overlay(memoryBase(SIZE), await openDelta(path, base));
    expect(readdirSync(folder)).toEqual(['a.delta']);
    overlay.write(BLOCK + 5, Buffer.alloc(9, 200));
    await overlay.close();
    const again = new Overlay(memoryBase(SIZE), await openDelta(path, base));
    const bytes = Buffer.alloc(20);
    again.read(BLOCK, bytes);
    expect([...bytes]).toEqual([...Array(5).fill(2), ...Array(9).fill(200), ...Array(6).fill(2)]);
    await again.close();
  });

  it('lets one user have it at a time, whatever the path', async () => {
    const folder = scratch();
    const path = join(folder, 'a.delta');
    const delta = await openDelta(path, base);
    const other = `${folder}/./a.delta`;
    const inUse = { code: 'delta-in-use', message: `${other}: another process uses it` };
    await expect(openDelta(other, base)).rejects.toMatchObject(inUse);
    await expect(openDeltaReadOnly(other, base)).rejects.toMatchObject(inUse);
    await delta.close();
    await (await openDelta(other, base)).close();
  });

  it('leaves the delta of another base, and what is none, as it is', async () => {
    const folder = scratch();
    const path = join(folder, 'a.delta');
    await (await openDelta(path, base)).close();
    const before = readFileSync(path);
    await expect(openDelta(path, deltaBaseOf(SIZE + 1))).rejects.toMatchObject({ code: 'delta-mismatch' });
    expect(readFileSync(path).equals(before)).toBe(true);
    await (await openDelta(path, base)).close();
    writeFileSync(join(folder, 'text'), 'x'.repeat(10_000));
    await expect(openDelta(join(folder, 'text'), base)).rejects.toMatchObject({ code: 'delta-corrupt' });
    expect(readFileSync(join(folder, 'text'), 'utf8')).toBe('x'.repeat(10_000));
  });

  it('refuses what is no file, without waiting for it', async () => {
    const folder = scratch();
    mkdirSync(join(folder, 'folder'));
    run('mkfifo', [join(folder, 'pipe')]);
    const message = `cannot use ${folder}/folder: illegal operation on a directory`;
    await expect(openDelta(join(folder, 'folder'), base)).rejects.toMatchObject({ code: 'output-failed', message });
    await expect(openDelta(join(folder, 'pipe'), base)).rejects.toMatchObject({ code: 'delta-corrupt' });
    await expect(openDelta(join(folder, 'none', 'a'), base)).rejects.toMatchObject({ code: 'output-failed' });
  });
});

describe('openDeltaReadOnly', () => {
  it('makes no delta and changes none', async () => {
    const folder = scratch();
    const path = join(folder, 'a.delta');
    await expect(openDeltaReadOnly(path, base)).rejects.toMatchObject({
      code: 'output-failed',
      message: `cannot use ${path}: no such file or directory`,
    });
    expect(readdirSync(folder)).toEqual([]);
    await (await openDelta(path, base)).close();
    const before = readFileSync(path);
    (await openDeltaReadOnly(path, base)).close();
    expect(readFileSync(path).equals(before)).toBe(true);
  });
});
