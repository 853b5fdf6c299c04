import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { EntryType } from '../../../../src/core/layer/entry.ts';
import { mapRows } from '../../../../src/core/plan/map.ts';
import { planTar } from '../../../../src/core/tar-image/layout.ts';
import type { TarOptions } from '../../../../src/core/tar-image/options.ts';
import { type ImageOptions, toFilesystemOptions } from '../../../../src/image/options.ts';
import { directory, type EntryCase, link, makeTree, put, symlink } from '../../../helpers/make-tree.ts';

const sha256 = () => {
  const hash = createHash('sha256');
  return { update: (bytes: Uint8Array) => void hash.update(bytes), digest: () => hash.digest() };
};

const plan = (entries: readonly EntryCase[], options: ImageOptions = {}) =>
  planTar(makeTree([entries]), toFilesystemOptions({ ...options, fs: 'tar' }) as TarOptions, {
    sha256,
    warn: () => undefined,
  });

const failure = (entries: readonly EntryCase[], options: ImageOptions = {}) => {
  try {
    plan(entries, options);
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error('it was planned');
};

describe('planTar', () => {
  it('has members in order, each name with content of its own, and two blocks of zeros', () => {
    const image = plan([put('b', 600), link('a', 'b'), put('d/f', 0), directory('d/'), symlink('c', 'b')], {
      size: 8192,
    });
    expect([...mapRows(image)].map(({ start, length, zero, label }) => [start, length, zero, label])).toEqual([
      [0, 512, false, 'header of /a'],
      [512, 600, false, 'file /a (layer 0)'],
      [1112, 424, true, 'file /a (layer 0)'],
      [1536, 512, false, 'header of /b'],
      [2048, 600, false, 'file /b (layer 0)'],
      [2648, 424, true, 'file /b (layer 0)'],
      [3072, 512, false, 'header of /c'],
      [3584, 512, false, 'header of /d'],
      [4096, 512, false, 'header of /d/f'],
      [4608, 3584, true, 'end of the tar'],
    ]);
    expect(image.locate('d/f')).toEqual({ metadataOffset: 4096, metadataLength: 512, offset: 4608, length: 0 });
    expect(image.locate('')).toBeUndefined();
    expect(image.locate('d/g')).toBeUndefined();
    expect(image.blocks).toEqual({ count: 16, used: 11 });
    expect(plan([]).size).toBe(1024);
  });

  it.each<[string, EntryCase, string]>([
    ['a socket', put('s', 0, { type: EntryType.socket }), 'layer 0, entry s: a socket, which ustar cannot hold'],
    ['a long name', put('n'.repeat(101)), 'a name of 101 bytes, which cannot be divided at a slash'],
    ['a long path', put(`${'n/'.repeat(128)}x`), 'a name of 257 bytes'],
    ['a long symlink', symlink('l', 't'.repeat(101)), 'a symlink of 101 bytes'],
    ['8 GiB', put('f', 8 ** 11), 'a file of 8589934592 bytes'],
    ['a large owner', put('f', 0, { uid: 8 ** 7 }), 'the owner 2097152:0'],
    ['a large device', put('f', 0, { type: EntryType.blockDevice, deviceMajor: 8 ** 7 }), 'the device 2097152:0'],
  ])('refuses %s', (_, entry, message) => {
    const error = failure([entry]);
    expect(error.code).toBe('limit-exceeded');
    expect(error.message).toContain(message);
  });

  it.each<[string, ImageOptions, string]>([
    ['a size that is too small', { size: 1024 }, 'image-too-small'],
    ['a size of half a block', { size: 4000 }, 'option-invalid'],
    ['a time before 1970', { mtime: -1 }, 'option-invalid'],
    ['a label', { label: 'x' }, 'option-invalid'],
    ['free room', { free: 1 }, 'option-invalid'],
    ['features', { features: ['64bit'] }, 'option-invalid'],
  ])('refuses %s', (_, options, code) => {
    expect(failure([put('a', 1)], options).code).toBe(code);
  });

  it('takes names whose length ustar just holds', () => {
    const name = `${'d'.repeat(77)}/${'d'.repeat(77)}/${'n'.repeat(100)}`;
    expect(plan([put(name, 1)]).locate(name)).toMatchObject({ metadataOffset: 1024 });
  });
});
