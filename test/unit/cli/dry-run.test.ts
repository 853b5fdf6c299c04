import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { tryOutput } from '../../../src/cli/dry-run.ts';
import { blockloom, output, writeLayers } from '../../helpers/cli.ts';
import { scratch } from '../../helpers/scratch.ts';

let cwd: string;
let layers: readonly string[];

beforeEach(() => {
  cwd = scratch();
  layers = writeLayers(cwd);
});

describe('export --dry-run', () => {
  it('says what export then does, and writes nothing', () => {
    output(['build', ...layers, '-o', 'disk.img'], { cwd });
    const args = ['export', 'disk.img', '-o', 'disk.tar', '--json'];
    const would = JSON.parse(output([...args, '--dry-run'], { cwd })) as object;
    expect(existsSync(join(cwd, 'disk.tar'))).toBe(false);
    expect(would).toMatchObject({ dryRun: true, replaces: false, ...(JSON.parse(output(args, { cwd })) as object) });
  });
});

describe('build --dry-run', () => {
  it('says what build then does, and writes nothing', () => {
    const args = ['build', ...layers, '-o', 'disk.img'];
    const would = JSON.parse(output([...args, '--dry-run', '--json'], { cwd })) as Record<string, unknown>;
    expect(existsSync(join(cwd, 'disk.img'))).toBe(false);
    const made = JSON.parse(output([...args, '--json'], { cwd })) as Record<string, unknown>;
    for (const name of ['file', 'size', 'inodesUsed', 'blocksUsed', 'uuid']) expect(would[name]).toBe(made[name]);
    expect(would).toMatchObject({ dryRun: true, replaces: false, layers: 2 });
    const text = output([...args, '--dry-run', '--force'], { cwd }).split('\n');
    expect(text[0]).toBe('output     disk.img, which is replaced');
    expect(text.map((line) => line.slice(0, 11).trim())).toEqual(
      expect.arrayContaining(['size', 'inodes', 'free there']),
    );
  });

  it('fails as build would', () => {
    const tried = (...args: string[]) => blockloom(['build', ...layers, '--dry-run', '-o', ...args], { cwd });
    writeFileSync(join(cwd, 'there'), 'kept');
    expect(tried('there')).toMatchObject({ status: 1, stderr: expect.stringContaining('--force') });
    expect(readFileSync(join(cwd, 'there'), 'utf8')).toBe('kept');
    expect(tried('no/such/folder')).toMatchObject({ status: 1, stderr: expect.stringContaining('no/such/folder') });
    expect(tried('x', '--size', '8K')).toMatchObject({ status: 1 });
    // The cache is there or not, by how young the layers are.
    const left = readdirSync(cwd).filter((name) => name !== '.cache');
    expect(left.sort()).toEqual(['app.tar', 'base.tar', 'there']);
  });

  it('tells standard output by its name', () => {
    expect(output(['build', ...layers, '--dry-run', '-o', '-'], { cwd })).toMatch(/^output +standard output\nsize /);
  });

  it('says when there is no space', async () => {
    const much = { size: 2 ** 60, allocated: 2 ** 60 };
    await expect(tryOutput(join(cwd, 'disk.img'), false, much)).rejects.toMatchObject({
      code: 'output-failed',
      message: expect.stringContaining('it takes up to 1048576 TiB'),
    });
  });
});
