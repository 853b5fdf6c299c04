import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../../../src/core/bytes.ts';
import { EntryType, type LayerEntry } from '../../../../src/core/layer/entry.ts';
import { walkDirectory } from '../../../../src/sources/directory/walk.ts';
import { scratch } from '../../../helpers/scratch.ts';

const isRoot = process.geteuid?.() === 0;

function walk(root: string, keepPermissions = false): LayerEntry[] {
  return [...walkDirectory(Buffer.from(root), keepPermissions, { layer: 1 })].map(({ entry }) => entry);
}

function at(entries: LayerEntry[], path: string): LayerEntry {
  const found = entries.find((entry) => entry.path === path);
  if (found === undefined) throw new Error(`no entry ${path}`);
  return found;
}

describe('walkDirectory', () => {
  it('goes depth first, in byte order of the names', () => {
    const root = scratch();
    for (const directory of ['b', 'b-', 'B', 'a/z', 'a/b']) mkdirSync(join(root, directory), { recursive: true });
    for (const file of ['b/1', 'b.txt', 'a/b/c', 'a.b', 'é']) writeFileSync(join(root, file), file);
    const order = ['', 'B', 'a', 'a/b', 'a/b/c', 'a/z', 'a.b', 'b', 'b/1', 'b-', 'b.txt', '\xc3\xa9'];
    expect(walk(root).map(({ path }) => path)).toEqual(order);
  });

  it('keeps names that are not UTF-8', () => {
    const root = scratch();
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), bytesOf('\xff\xfe')]), 'x');
    expect(walk(root)[1]?.path).toBe('\xff\xfe');
  });

  it('counts the data of files one after another, in the order of the walk', () => {
    const root = scratch();
    writeFileSync(join(root, 'c'), 'ccc');
    writeFileSync(join(root, 'a'), 'aaaaa');
    writeFileSync(join(root, 'b'), '');
    expect(walk(root).map(({ path, size, dataOffset }) => [path, size, dataOffset])).toEqual([
      ['', 0, 0],
      ['a', 5, 0],
      ['b', 0, 5],
      ['c', 3, 5],
    ]);
  });

  it('makes later names of an inode hard links to the first', () => {
    const root = scratch();
    writeFileSync(join(root, 'z'), 'data');
    mkdirSync(join(root, 'a'));
    linkSync(join(root, 'z'), join(root, 'a/first'));
    linkSync(join(root, 'z'), join(root, 'm'));
    const entries = walk(root);
    expect(at(entries, 'a/first')).toMatchObject({ type: EntryType.file, size: 4 });
    expect(at(entries, 'm')).toMatchObject({ type: EntryType.hardLink, linkPath: 'a/first', size: 0 });
    expect(at(entries, 'z')).toMatchObject({ type: EntryType.hardLink, linkPath: 'a/first', size: 0 });
  });

  it('does not make a hard link of a file whose other names lie elsewhere', () => {
    const root = scratch();
    const outside = scratch();
    writeFileSync(join(outside, 'f'), 'data');
    linkSync(join(outside, 'f'), join(root, 'f'));
    expect(at(walk(root), 'f').type).toBe(EntryType.file);
  });

  it('makes owners and permissions that depend on the execute bit alone', () => {
    const root = scratch();
    mkdirSync(join(root, 'd'), { mode: 0o700 });
    for (const [name, mode] of [
      ['plain', 0o600],
      ['run', 0o4711],
      ['odd', 0o655],
    ] as const) {
      writeFileSync(join(root, name), '');
      chmodSync(join(root, name), mode);
    }
    symlinkSync('../x', join(root, 'l'));
    const entries = walk(root);
    expect(entries.map(({ path, mode, uid, gid }) => [path, mode, uid, gid])).toEqual([
      ['', 0o755, 0, 0],
      ['d', 0o755, 0, 0],
      ['l', 0o777, 0, 0],
      ['odd', 0o644, 0, 0],
      ['plain', 0o644, 0, 0],
      ['run', 0o755, 0, 0],
    ]);
  });

  it('keeps owners and permissions when asked', () => {
    const root = scratch();
    writeFileSync(join(root, 'f'), '');
    if (isRoot) chownSync(join(root, 'f'), 12, 4_294_967_294);
    chmodSync(join(root, 'f'), 0o4750);
    const expected = isRoot ? { uid: 12, gid: 4_294_967_294 } : { uid: process.geteuid?.(), gid: process.getegid?.() };
    expect(at(walk(root, true), 'f')).toMatchObject({ mode: 0o4750, ...expected });
  });

  it('records times before 1970 and their nanoseconds', () => {
    const root = scratch();
    symlinkSync('t', join(root, 'l'));
    execFileSync('touch', ['-h', '-d', '@-1.5', join(root, 'l')]);
    writeFileSync(join(root, 'f'), '');
    utimesSync(join(root, 'f'), 0, 1_000_000_000.25);
    const entries = walk(root);
    expect(at(entries, 'l')).toMatchObject({ mtimeSeconds: -2, mtimeNanoseconds: 500_000_000 });
    expect(at(entries, 'f')).toMatchObject({ mtimeSeconds: 1_000_000_000, mtimeNanoseconds: 250_000_000 });
  });

  it('keeps symlinks verbatim and whiteout names as they are', () => {
    const root = scratch();
    symlinkSync('/../no/./where/', join(root, 'l'));
    writeFileSync(join(root, '.wh.gone'), '');
    const entries = walk(root);
    expect(at(entries, 'l')).toMatchObject({ type: EntryType.symlink, linkPath: '/../no/./where/' });
    expect(at(entries, '.wh.gone').type).toBe(EntryType.file);
  });

  it.runIf(isRoot)('knows devices, fifos and their numbers', () => {
    const root = scratch();
    execFileSync('mknod', [join(root, 'c'), 'c', '511', '1048575']);
    execFileSync('mknod', [join(root, 'b'), 'b', '8', '17']);
    execFileSync('mkfifo', [join(root, 'p')]);
    const entries = walk(root);
    expect(at(entries, 'c')).toMatchObject({
      type: EntryType.characterDevice,
      deviceMajor: 511,
      deviceMinor: 1_048_575,
    });
    expect(at(entries, 'b')).toMatchObject({ type: EntryType.blockDevice, deviceMajor: 8, deviceMinor: 17 });
    expect(at(entries, 'p')).toMatchObject({ type: EntryType.fifo, deviceMajor: 0, deviceMinor: 0, mode: 0o644 });
  });
});
