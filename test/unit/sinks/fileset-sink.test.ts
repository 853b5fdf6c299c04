import { lstatSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LOSSLESS } from '../../../src/core/ware/filters.ts';
import { readFileset } from '../../../src/core/ware/read-fileset.ts';
import { writeFileset, type WriteFilesetOptions } from '../../../src/sinks/fileset-sink.ts';
import { sha384 } from '../../../src/sources/ware/fileset.ts';
import { openPacked } from '../../../src/sources/ware/open-fileset.ts';
import { scratch } from '../../helpers/scratch.ts';
import type { TarEntry } from '../../helpers/tar-writer.ts';
import { wareAt, writeTar } from '../../helpers/wares.ts';
import { requireTools } from '../../helpers/tools.ts';

const ME = { uid: process.getuid!(), gid: process.getgid!(), mtime: 1_433_015_615 };

/** Writes the fileset of a tar to `root` in a folder. */
async function write(folder: string, entries: readonly TarEntry[], options: WriteFilesetOptions = {}): Promise<string> {
  const fileset = await openPacked(writeTar(scratch(), 'a.tar', entries), 'tar', { cache: false });
  try {
    const events = readFileset(fileset, { filters: LOSSLESS, sha384, wholeSeconds: false });
    return await writeFileset(events, join(folder, 'root'), options);
  } finally {
    fileset.close();
  }
}

describe('a fileset as a directory', () => {
  const ENTRIES: readonly TarEntry[] = [
    { name: './', mode: 0o750, ...ME },
    { name: 'locked/', mode: 0o711, ...ME },
    { name: 'locked/\xff', data: 'x'.repeat(300_000), mode: 0o4711, ...ME },
    { name: 'link', type: 'symlink', linkName: '\xfe', ...ME },
    { name: 'pipe', type: 'fifo', mode: 0o600, ...ME },
  ];

  it('has its names, contents and attributes, and gives its hash', async () => {
    const folder = scratch();
    const hash = await write(folder, ENTRIES);
    expect(`tar:${hash}`).toBe(await wareAt(writeTar(scratch(), 'a.tar', ENTRIES)));
    const root = Buffer.from(`${folder}/root`);
    const at = (name: string): Buffer => Buffer.concat([root, Buffer.from(`/${name}`, 'latin1')]);
    const { mode, size, mtimeMs } = lstatSync(at('locked/\xff'));
    expect([mode & 0o7777, size, mtimeMs]).toEqual([0o4711, 300_000, ME.mtime * 1000]);
    expect(lstatSync(root).mode & 0o7777).toBe(0o750);
    expect(lstatSync(at('locked')).mtimeMs).toBe(ME.mtime * 1000);
    expect(lstatSync(at('link')).mtimeMs).toBe(ME.mtime * 1000);
    expect(readlinkSync(at('link'), 'buffer')).toEqual(Buffer.from([0xfe]));
    expect([lstatSync(at('pipe')).isFIFO(), lstatSync(at('pipe')).mode & 0o7777]).toEqual([true, 0o600]);
    expect(readdirSync(folder)).toEqual(['root']);
  });

  it('takes the place of an empty one, and of nothing else', async () => {
    const folder = scratch();
    mkdirSync(join(folder, 'root'));
    await write(folder, ENTRIES.slice(0, 1));
    await write(folder, [{ name: 'a', ...ME }]);
    await expect(write(folder, ENTRIES)).rejects.toThrow('root exists, and is not empty');
    const other = scratch();
    writeFileSync(join(other, 'root'), '');
    await expect(write(other, ENTRIES)).rejects.toThrow('root exists, and is no directory');
  });

  it('is not there when writing it failed, or was given up', async () => {
    const folder = scratch();
    const controller = new AbortController();
    const onWarning = (): void => controller.abort(new Error('given up'));
    const many = Array.from({ length: 500 }, (_, i): TarEntry => ({ name: `f${i}`, xattrs: { 'user.a': 'b' }, ...ME }));
    await expect(write(folder, many, { onWarning, signal: controller.signal })).rejects.toThrow('given up');
    const device: TarEntry = { name: '\xff', type: 'character', deviceMajor: 1, deviceMinor: 3, ...ME };
    await expect(write(folder, [{ name: 'a', ...ME }, device])).rejects.toThrow('names that are not UTF-8');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('warns once of attributes that it cannot have', async () => {
    const warnings: string[] = [];
    const entries = ['a', 'b'].map((name): TarEntry => ({ name, xattrs: { 'user.a': 'b' }, ...ME }));
    await write(scratch(), entries, { onWarning: (warning) => warnings.push(warning) });
    expect(warnings).toEqual(['a: extended attributes are not written to directories']);
  });
});

describe.skipIf(!requireTools('root'))('devices', () => {
  it('are made by who may', async () => {
    const folder = scratch();
    const owner = { uid: 12, gid: 34 };
    await write(folder, [
      { name: 'c', type: 'character', deviceMajor: 1, deviceMinor: 3, mode: 0o620, ...owner },
      { name: 'b', type: 'block', deviceMajor: 7, deviceMinor: 300, ...owner },
    ]);
    const { uid, gid, mode, rdev } = lstatSync(join(folder, 'root/c'));
    expect([uid, gid, mode & 0o7777, rdev]).toEqual([12, 34, 0o620, 0x103]);
    expect(lstatSync(join(folder, 'root/b')).isBlockDevice()).toBe(true);
  });
});
