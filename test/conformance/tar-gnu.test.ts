import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ByteString, byteString, bytesOf } from '../../src/core/bytes.ts';
import { EntryType, type LayerEntry } from '../../src/core/layer/entry.ts';
import { contentOf, entryAt, readTarBytes } from '../helpers/tar-driver.ts';
import { concat, makeTar, type SparseSpec } from '../helpers/tar-writer.ts';
import { isThere, run, skipped } from '../helpers/tools.ts';

const isGnuTar = isThere('tar', ['--version'], 'GNU tar');
const isRoot = process.getuid?.() === 0;
const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tar-gnu-'));
  folders.push(folder);
  return folder;
}

/** A host path from byte strings. */
const at = (folder: string, path: ByteString): Buffer =>
  Buffer.from(concat([Buffer.from(`${folder}/`), bytesOf(path)]));

/** What the host says of each path, in the terms of an entry. */
function statOf(folder: string, path: ByteString): Partial<LayerEntry> {
  const stat = lstatSync(at(folder, path), { bigint: true });
  const type = stat.isDirectory()
    ? EntryType.directory
    : stat.isSymbolicLink()
      ? EntryType.symlink
      : stat.isFIFO()
        ? EntryType.fifo
        : stat.isCharacterDevice()
          ? EntryType.characterDevice
          : EntryType.file;
  return {
    type,
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtimeSeconds: Number(
      stat.mtimeNs >= 0n ? stat.mtimeNs / 1_000_000_000n : (stat.mtimeNs - 999_999_999n) / 1_000_000_000n,
    ),
    size: type === EntryType.file ? Number(stat.size) : 0,
    linkPath: type === EntryType.symlink ? byteString(readlinkSync(at(folder, path), { encoding: 'buffer' })) : '',
  };
}

function tarOf(folder: string, ...options: string[]): Uint8Array {
  return new Uint8Array(run('tar', ['-c', '-f', '-', '--sort=name', ...options, '-C', folder, 'root']));
}

/** Compares every entry but hard links with the host. */
function expectLikeHost(folder: string, tar: Uint8Array): LayerEntry[] {
  const entries = readTarBytes(tar);
  for (const entry of entries.filter(({ type }) => type !== EntryType.hardLink)) {
    expect(entry).toMatchObject(statOf(folder, entry.path));
    if (entry.type !== EntryType.file) continue;
    const isSame = readFileSync(at(folder, entry.path)).equals(contentOf(tar, entry));
    expect({ path: entry.path, isSame }).toEqual({ path: entry.path, isSame: true });
  }
  return entries;
}

describe.skipIf(skipped(!isGnuTar, 'there is no GNU tar'))('a tar that GNU tar writes', () => {
  const folder = makeFolder();
  const root = join(folder, 'root');
  const name90 = 'n'.repeat(90);

  beforeAll(() => {
    mkdirSync(join(root, 'sub', name90), { recursive: true });
    writeFileSync(join(root, 'empty'), '');
    writeFileSync(join(root, 'sub', 'file'), 'x'.repeat(1300));
    writeFileSync(join(root, 'sub', 'block'), 'y'.repeat(512));
    writeFileSync(join(root, 'sub', name90, 'file'), 'in a prefix');
    linkSync(join(root, 'sub', 'file'), join(root, 'sub', 'second-name'));
    symlinkSync('../sub//file', join(root, 'sub', 'symlink'));
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x63, 0xe9, 0xff])]), 'not UTF-8');
    chmodSync(join(root, 'sub', 'file'), 0o4751);
    chmodSync(join(root, 'sub'), 0o1777);
    lutimesSync(join(root, 'empty'), 1262304000, 1262304000);
    run('mkfifo', [join(root, 'fifo')]);
    if (isRoot) run('mknod', [join(root, 'null'), 'c', '1', '3']);
  });

  describe.each(['v7', 'oldgnu', 'gnu', 'ustar', 'pax'])('as %s', (format) => {
    it('has what the host has', () => {
      // v7 can hold neither devices nor fifos nor long names, and writes none.
      const old = format === 'v7' ? [`--exclude=${name90}`, '--exclude=fifo', '--exclude=null'] : [];
      const entries = expectLikeHost(folder, tarOf(folder, `--format=${format}`, ...old));
      expect(entryAt(entries, 'root/sub/second-name')).toMatchObject({
        type: EntryType.hardLink,
        linkPath: 'root/sub/file',
      });
      expect(entryAt(entries, 'root/c\xe9\xff').size).toBe(9);
      expect(entries).toHaveLength(format === 'v7' ? 8 : isRoot ? 12 : 11);
    });
  });

  it.runIf(isRoot)('keeps device numbers', () => {
    for (const format of ['ustar', 'gnu', 'pax']) {
      const device = entryAt(readTarBytes(tarOf(folder, `--format=${format}`)), 'root/null');
      expect(device).toMatchObject({ type: EntryType.characterDevice, deviceMajor: 1, deviceMinor: 3 });
    }
  });

  it('keeps owners of any size', () => {
    for (const format of ['gnu', 'pax']) {
      const entries = readTarBytes(tarOf(folder, `--format=${format}`, '--owner=:4294967294', '--group=:3000000'));
      for (const { uid, gid } of entries) expect([uid, gid]).toEqual([4294967294, 3000000]);
    }
  });

  it('keeps times before 1970 and after 2242, and nanoseconds in PAX', () => {
    const time = (mtime: string, format: string) =>
      readTarBytes(tarOf(folder, `--format=${format}`, `--mtime=${mtime}`))[0];
    for (const format of ['gnu', 'pax']) {
      expect(time('@-1', format)).toMatchObject({ mtimeSeconds: -1, mtimeNanoseconds: 0 });
      expect(time('@15032385535', format)).toMatchObject({ mtimeSeconds: 15032385535 });
    }
    expect(time('@-1.25', 'pax')).toMatchObject({ mtimeSeconds: -2, mtimeNanoseconds: 750_000_000 });
    expect(time('@1.000000001', 'pax')).toMatchObject({ mtimeSeconds: 1, mtimeNanoseconds: 1 });
  });

  it('has global records, a label and directories with lists', () => {
    const entries = readTarBytes(
      tarOf(folder, '--format=pax', '--pax-option=comment=hello,gname=crew', '--label=disk'),
    );
    expect(entries.map(({ path }) => path)).toContain('root/sub/file');
    const listed = tarOf(folder, '--format=gnu', `--listed-incremental=${join(folder, 'snapshot')}`, '--label=disk');
    expect(entryAt(readTarBytes(listed), 'root/sub').type).toBe(EntryType.directory);
    expect(readTarBytes(listed).length).toBe(entries.length);
  });
});

describe.skipIf(skipped(!isGnuTar, 'there is no GNU tar'))('long names that GNU tar writes', () => {
  const folder = makeFolder();
  const deep = Array.from({ length: 5 }, (_, i) => `${i}`.repeat(70)).join('/');

  it.each(['oldgnu', 'gnu', 'pax'])('as %s', (format) => {
    mkdirSync(join(folder, 'root', deep), { recursive: true });
    writeFileSync(join(folder, 'root', deep, 'f'.repeat(255)), 'deep', { flag: 'w' });
    rmSync(join(folder, 'root', 'link'), { force: true });
    symlinkSync(`/${deep}/${'t'.repeat(200)}`, join(folder, 'root', 'link'));
    const entries = expectLikeHost(folder, tarOf(folder, `--format=${format}`));
    expect(entryAt(entries, `root/${deep}/${'f'.repeat(255)}`).size).toBe(4);
    expect(entryAt(entries, 'root/link').linkPath).toHaveLength(1 + deep.length + 1 + 200);
  });
});

describe.skipIf(skipped(!isGnuTar, 'there is no GNU tar'))('sparse files that GNU tar writes', () => {
  const folder = makeFolder();
  const root = join(folder, 'root');
  const MiB = 1024 * 1024;

  async function makeSparse(name: string, size: number, offsets: readonly number[]): Promise<void> {
    const file = await open(join(root, name), 'w');
    for (const offset of offsets) await file.write(Buffer.from(`at ${offset}`), 0, null, offset);
    await file.close();
    truncateSync(join(root, name), size);
  }

  beforeAll(async () => {
    mkdirSync(root);
    await makeSparse('hole', 3 * MiB, []);
    await makeSparse('middle', 3 * MiB, [MiB]);
    await makeSparse('start', 2 * MiB + 7, [0]);
    await makeSparse('end', 2 * MiB + 13, [2 * MiB + 5]);
    await makeSparse(
      'many',
      40 * MiB,
      Array.from({ length: 40 }, (_, i) => i * MiB + 300_000),
    );
    writeFileSync(join(root, 'dense'), 'd'.repeat(5000));
  });

  it.each([
    ['gnu', []],
    ['oldgnu', []],
    ['pax', ['--sparse-version=0.0']],
    ['pax', ['--sparse-version=0.1']],
    ['pax', ['--sparse-version=1.0']],
  ])('as %s %j', (format, options) => {
    const tar = tarOf(folder, '-S', `--format=${format}`, ...options);
    const entries = expectLikeHost(folder, tar);
    expect(entries).toHaveLength(7);
    // A filesystem may know no holes; then the files above are dense, and compared all the same.
    const { blocks } = lstatSync(join(root, 'hole'));
    expect(entryAt(entries, 'root/hole').segments).toEqual(blocks === 0 ? [] : undefined);
    expect(entryAt(entries, 'root/many').segments?.length ?? 0).toBeGreaterThanOrEqual(blocks === 0 ? 40 : 0);
    expect(entryAt(entries, 'root/dense').segments).toBeUndefined();
  });
});

const scratch = makeFolder();
writeFileSync(join(scratch, 'probe'), '');
const hasXattrs = isThere('setfattr', ['-n', 'user.probe', '-v', '1', join(scratch, 'probe')]);
const hasAcls = isThere('setfacl', ['-m', 'u:1:r', join(scratch, 'probe')]);

describe.skipIf(skipped(!(isGnuTar && hasXattrs), 'no GNU tar or no setfattr that works'))(
  'xattrs that GNU tar writes',
  () => {
    const folder = makeFolder();
    const file = join(folder, 'root', 'file');
    const aclOf = (tar: Uint8Array, name: string) =>
      entryAt(readTarBytes(tar), 'root/file').xattrs.find((xattr) => xattr.name === name)?.value;

    beforeAll(() => {
      mkdirSync(join(folder, 'root'));
      writeFileSync(file, '');
      run('setfattr', ['-n', 'user.binary', '-v', '0x000a3d0aff00', file]);
      run('setfattr', ['-n', 'user.empty', file]);
    });

    it('are bytes', () => {
      const entry = entryAt(readTarBytes(tarOf(folder, '--xattrs', '--format=pax')), 'root/file');
      expect(
        Object.fromEntries(entry.xattrs.map(({ name, value }) => [name, Buffer.from(value).toString('hex')])),
      ).toEqual({
        'user.binary': '000a3d0aff00',
        'user.empty': '',
      });
    });

    it.runIf(hasAcls)('are the same ACL as text and as bytes', () => {
      // An id that has no name, because GNU tar writes names even with --numeric-owner.
      run('setfacl', ['-m', 'u:123456:rwx,g:654321:r--', file]);
      const name = 'system.posix_acl_access';
      const bytes = aclOf(tarOf(folder, '--xattrs', '--format=pax'), name);
      const text = aclOf(tarOf(folder, '--acls', '--no-xattrs', '--format=pax'), name);
      expect(bytes?.length).toBe(4 + 8 * 6);
      expect(text).toEqual(bytes);
    });
  },
);

describe.skipIf(skipped(!isGnuTar, 'there is no GNU tar'))('GNU tar reads what the test writer makes', () => {
  it.each(['gnu', '0.0', '0.1', '1.0'] as SparseSpec['form'][])('a sparse file of form %s', (form) => {
    const folder = makeFolder();
    const segments = Array.from({ length: 30 }, (_, i) => ({ offset: 10_240 * i, length: 512 + (i === 29 ? 7 : 0) }));
    const data = Uint8Array.from({ length: 30 * 512 + 7 }, (_, i) => 1 + (i % 200));
    // For GNU tar an empty segment stands for the hole at the end.
    const map = [...segments, { offset: 400_000, length: 0 }];
    const tar = makeTar([{ name: 'file', data, sparse: { form, size: 400_000, segments: map } }]);
    run('tar', ['-x', '-f', '-', '-C', folder], { input: tar });
    const [entry] = readTarBytes(tar);
    expect(entry?.size).toBe(400_000);
    expect(readFileSync(join(folder, 'file')).equals(contentOf(tar, entry as LayerEntry))).toBe(true);
  });

  it('names, links and times of every form', () => {
    const long = `${'d'.repeat(120)}/${'e'.repeat(120)}`;
    const tar = makeTar([
      { name: 'a/', mtime: 1000 },
      { name: 'a/ustar', format: 'ustar', data: 'u', mtime: 1000 },
      { name: long, format: 'pax', data: 'p', mtime: '-1.5' },
      { name: `${long}g`, format: 'gnu', data: 'g', mtime: -7 },
      { name: 'a/link', type: 'symlink', linkName: long, format: 'gnu' },
      { name: 'a/hard', type: 'hardlink', linkName: long, format: 'gnu', mtime: -2 },
      { name: 'a/v7', format: 'v7', data: 'v', mtime: 5 },
    ]);
    const folder = makeFolder();
    run('tar', ['-x', '-f', '-', '-C', folder], { input: tar });
    const times = ['a/ustar', long, `${long}g`, 'a/hard', 'a/v7'].map(
      (path) => lstatSync(at(folder, path), { bigint: true }).mtimeNs,
    );
    expect(times.map(Number)).toEqual([1000e9, -1.5e9, -7e9, -1.5e9, 5e9]);
    expect(readlinkSync(join(folder, 'a/link'))).toBe(long);
    expect(lstatSync(join(folder, 'a/hard')).ino).toBe(lstatSync(join(folder, long)).ino);
    expect(readFileSync(join(folder, 'a/ustar'), 'latin1')).toBe('u');
  });
});
