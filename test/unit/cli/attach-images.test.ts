import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { imageFileOf, imagesOf, refuseTwiceRead, rootOf } from '../../../src/cli/attach-images.ts';
import { output } from '../../helpers/cli.ts';
import { scratch } from '../../helpers/scratch.ts';
import { makeTar } from '../../helpers/tar-writer.ts';

const QUIET = { cache: false, quiet: true, progress: 'none' } as const;
const { signal } = new AbortController();

describe('imagesOf', () => {
  const named = (references: string[], name: string | undefined): ReturnType<typeof imagesOf> =>
    imagesOf(references, references, name);

  it('is one of layers, with the name that it is given', () => {
    expect(named(['a.tar', 'b.tar'], undefined)).toEqual({
      images: [{ name: 'disk', layers: ['a.tar', 'b.tar'] }],
      isNamed: false,
    });
    expect(named(['a.tar'], 'root').images).toEqual([{ name: 'root', layers: ['a.tar'] }]);
    const inline = ['x=y'] as const;
    expect(imagesOf(undefined, inline, undefined).images).toEqual([{ name: 'disk', layers: inline }]);
  });

  it('is several that name themselves, each of the layers of its name', () => {
    expect(named(['root=a', 'data=b', 'root=c'], undefined)).toEqual({
      images: [
        { name: 'root', layers: ['a', 'c'] },
        { name: 'data', layers: ['b'] },
      ],
      isNamed: true,
    });
  });

  it.each([
    ['a name beside names', ['a=b'], 'x', '--name names one disk'],
    ['a name of others', ['a b=c'], undefined, "a b: a disk's name is"],
    ['a long name', [`${'a'.repeat(21)}=c`], undefined, "a disk's name is"],
    ['a name for one of two', ['a=b', 'c'], undefined, 'c: expected NAME=REFERENCE'],
  ])('refuses %s', (_, layers, name, what) => {
    expect(() => named(layers, name)).toThrow(what);
  });
});

describe('standard input', () => {
  const stream = [{ name: 'disk', layers: ['-'] }];
  it.each([
    ['a layer that is printed', stream, undefined, {}, 'standard input is for --exec'],
    ['a definition that is printed', [], '-', {}, 'standard input is for --exec'],
    [
      'a layer whose root hash is asked for',
      stream,
      undefined,
      { exec: true, kernel: 'k', verity: true },
      '--append is missing',
    ],
  ])('is not %s', (_, images, definition, options, what) => {
    expect(() => refuseTwiceRead(images, definition, { ...QUIET, ...options })).toThrow(what);
  });

  it('is read by what starts', () => {
    expect(() => refuseTwiceRead(stream, undefined, { ...QUIET, exec: true, kernel: 'k' })).not.toThrow();
    const appended = { ...QUIET, exec: true, kernel: 'k', verity: true, append: 'x' };
    expect(() => refuseTwiceRead(stream, '-', appended)).not.toThrow();
  });
});

describe('rootOf', () => {
  const images = [{ name: 'disk', layers: ['a.tar'] }];
  const boot = { table: 'gpt', boot: {} } as const;
  it.each([
    [undefined, undefined],
    ['none', undefined],
    ['gpt', 1],
    ['mbr', 1],
    [{ table: 'gpt' }, 1],
    [{ table: 'gpt', esp: { layers: [] } }, 2],
    [boot, 2],
  ] as const)('is the partition of the layers on a disk: %j', async (disk, partition) => {
    expect(await rootOf(images, { ...QUIET, disk }, signal)).toEqual({ partition });
  });

  it('is the hash tree, for a kernel that is not told otherwise', async () => {
    const folder = scratch();
    const path = join(folder, 'a.tar');
    writeFileSync(path, makeTar([{ name: 'a', data: 'a' }]));
    const hashed = [{ name: 'disk', layers: [path] }];
    const options = { ...QUIET, verity: true } as const;
    expect(await rootOf(hashed, options, signal)).toEqual({ partition: undefined });
    const { verity } = await rootOf(hashed, { ...options, kernel: 'k' }, signal);
    expect(verity?.dataBlocks).toBeGreaterThan(0);
  });

  it.each([
    [['--disk', 'mbr'], 1],
    [[], undefined],
  ])('is what the table of a file says: build %j', async (args, partition) => {
    const cwd = scratch();
    writeFileSync(join(cwd, 'a.tar'), makeTar([{ name: 'a', data: 'a' }]));
    output(['build', 'a.tar', ...args, '-o', 'disk.img'], { cwd });
    const file = [{ name: 'disk', layers: [join(cwd, 'disk.img')] }];
    expect(await rootOf(file, { ...QUIET, kernel: 'k' }, signal)).toEqual({ partition });
    expect(await rootOf(file, { ...QUIET, kernel: 'k', append: 'x' }, signal)).toEqual({});
  });

  it('is asked for where a file has several', async () => {
    const cwd = scratch();
    writeFileSync(join(cwd, 'a.tar'), makeTar([{ name: 'a', data: 'a' }]));
    writeFileSync(
      join(cwd, 'disk.yaml'),
      'blockloom: 1\nlayers: [a.tar]\ndisk: { table: mbr, partitions: [{ layers: [a.tar] }] }\n',
    );
    output(['build', '-f', 'disk.yaml', '-o', 'disk.img'], { cwd });
    const file = [{ name: 'disk', layers: [join(cwd, 'disk.img')] }];
    await expect(rootOf(file, { ...QUIET, kernel: 'k' }, signal)).rejects.toThrow(
      /which partition is not clear: 1 .*, 2 .*; --append tells the kernel/,
    );
  });

  it('is not known of the file of an image', async () => {
    const path = join(scratch(), 'disk.img');
    const bytes = new Uint8Array(4096);
    bytes.set([0x53, 0xef], 1024 + 0x38);
    writeFileSync(path, bytes);
    expect(imageFileOf([path])).toBe(path);
    expect(await rootOf([{ name: 'disk', layers: [path] }], { ...QUIET, disk: 'gpt' }, signal)).toEqual({});
    expect(imageFileOf([path, path])).toBeUndefined();
  });
});
