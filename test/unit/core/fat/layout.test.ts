import { describe, expect, it } from 'vitest';
import { EntryType } from '../../../../src/core/layer/entry.ts';
import { mapRows } from '../../../../src/core/plan/map.ts';
import type { ImageOptions } from '../../../../src/image/options.ts';
import { type EntryCase, directory, link, put, symlink } from '../../../helpers/make-tree.ts';
import { planFatLayers } from '../../../helpers/plan-fat.ts';

const MIB = 1024 * 1024;

const failure = (entries: readonly EntryCase[], options: ImageOptions = {}) => {
  try {
    planFatLayers([entries], options);
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error('it was planned');
};

describe('planFat', () => {
  it.each<[string, EntryCase, string, string]>([
    ['a symlink', symlink('a/l', 'b'), 'layer-unsupported', 'layer 0, entry a/l: a symlink, which FAT cannot hold'],
    ['a fifo', put('f', 0, { type: EntryType.fifo }), 'layer-unsupported', 'a fifo, which'],
    ['a device', put('f', 0, { type: EntryType.blockDevice }), 'layer-unsupported', 'a block device, which'],
    ['a colon', put('a:b'), 'name-invalid', 'layer 0, entry a:b: a name that holds :, which FAT cannot hold'],
    ['a control character', put('a\nb'), 'name-invalid', 'a name that holds a control character'],
    ['a dot at the end', put('a.'), 'name-invalid', 'a name that ends in a dot'],
    ['a space at the end', put('a '), 'name-invalid', 'a name that ends in a space'],
    ['no UTF-8', put('\xff'), 'name-invalid', 'a name that is not UTF-8'],
    ['4 GiB', put('f', 2 ** 32), 'limit-exceeded', 'entry f: a file of 4294967296 bytes, at most 4294967295 on FAT'],
  ])('refuses %s', (_, entry, code, message) => {
    const error = failure([entry]);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });

  it('refuses names that only case tells apart', () => {
    expect(failure([put('Ä/x'), put('ä/x')]).message).toContain('entry');
    expect(failure([put('d/b'), put('d/B')]).message).toBe(
      'layer 0, entry d/b: a name that only case tells from d/B: to FAT they are the same',
    );
  });

  it('refuses a directory with more entries than FAT allows', () => {
    const many = Array.from({ length: 33_000 }, (_, i) => put(`d/a long name ${i}`));
    expect(failure(many)).toMatchObject({ code: 'limit-exceeded', context: { path: 'd' } });
    const root = Array.from({ length: 32_000 }, (_, i) => put(`lower${i}`));
    expect(planFatLayers([root]).plan.geometry.rootEntries).toBe(64_000);
  });

  it.each<[string, ImageOptions, number]>([
    ['nothing', {}, 12],
    ['room', { free: 10 * MIB }, 16],
    ['a small size', { size: 64 * 1024 }, 12],
    ['a size of 200 MiB', { size: 200 * MIB }, 16],
    ['a size of 511 MiB', { size: 511 * MIB }, 16],
    ['a size of 512 MiB', { size: 512 * MIB }, 32],
    ['FAT12', { fatBits: 12, free: 20 * MIB }, 12],
    ['FAT16', { fatBits: 16 }, 16],
    ['FAT32', { fatBits: 32 }, 32],
    ['1 TiB', { size: 2 ** 40 }, 32],
  ])('has the FAT that its number of clusters says: %s', (_, options, bits) => {
    const { plan } = planFatLayers([[put('a', 1000)]], options);
    const { clusters, geometry } = { ...plan.geometry, geometry: plan.geometry };
    expect(geometry.bits).toBe(bits);
    expect(clusters < 4085 ? 12 : clusters < 65_525 ? 16 : 32).toBe(bits);
    expect(geometry.fatSectors * 512 * 8).toBeGreaterThanOrEqual((clusters + 2) * bits);
    expect(geometry.dataSector % geometry.sectorsPerCluster).toBe(0);
    expect(plan.size).toBe(options.size ?? plan.size);
    expect(plan.blocks.count - plan.blocks.used).toBeGreaterThanOrEqual(Number(options.free ?? 0) / plan.blockSize);
  });

  it.each<[string, ImageOptions, string]>([
    ['FAT16 in 1 MiB', { fatBits: 16, size: MIB }, 'image-too-small'],
    ['FAT32 in 32 MiB', { fatBits: 32, size: 32 * MIB }, 'image-too-small'],
    ['FAT12 in 1 GiB', { fatBits: 12, size: 1024 * MIB }, 'limit-exceeded'],
    ['FAT16 in 4 GiB', { fatBits: 16, size: 4096 * MIB }, 'limit-exceeded'],
    ['3 TiB', { size: 3 * 2 ** 40 }, 'limit-exceeded'],
    ['a size without room', { size: MIB, free: MIB }, 'image-too-small'],
    ['a size of 1000', { size: 1000 }, 'option-invalid'],
    ['a size of nothing', { size: 512 }, 'image-too-small'],
    ['a long label', { label: 'twelve bytes' }, 'option-invalid'],
    ['a label that is no name', { label: 'a/b' }, 'option-invalid'],
    ['a UUID', { uuid: new Uint8Array(16) }, 'option-invalid'],
    ['a journal', { journal: true }, 'option-invalid'],
    ['an owner', { owner: { uid: 0, gid: 0 } }, 'option-invalid'],
  ])('refuses %s', (_, options, code) => {
    expect(failure([put('a', 1000)], options).code).toBe(code);
  });

  it('gives each name of a file its own clusters, in the order of the layers', () => {
    const { plan } = planFatLayers([[put('b', 5000), put('a', 3000), link('c', 'b'), put('d/e', 0)], [put('z', 100)]]);
    const rows = [...mapRows(plan)].filter(({ label, zero }) => label.startsWith('file /') && !zero);
    expect(rows.map(({ label, length }) => `${label} ${length}`)).toEqual([
      'file /b (layer 0) 5000',
      'file /c (layer 0) 5000',
      'file /a (layer 0) 3000',
      'file /z (layer 1) 100',
    ]);
    expect(plan.locate('c')).toMatchObject({ offset: rows[1]!.start, length: 5000, metadataLength: 64 });
    expect(plan.locate('d')).toMatchObject({ length: 4 * 32 });
    expect(plan.locate('d/e')).toMatchObject({ length: 0, metadataOffset: plan.locate('d')!.offset + 64 });
    expect(plan.locate('')).toMatchObject({ metadataLength: 0 });
    expect(plan.locate('x/y')).toBeUndefined();
  });

  it('is made for IncludeOS so that the entries of a name stand in one sector', () => {
    const entries = Array.from({ length: 200 }, (_, i) => put(`d/${'n'.repeat(1 + (i % 150))}${i}`));
    const { plan } = planFatLayers([entries], { fatCompat: 'includeos' });
    const sectors = entries.map(({ path }) => {
      const { metadataOffset, metadataLength } = plan.locate(path)!;
      return [metadataOffset, metadataOffset + metadataLength - 1].map((at) => Math.floor(at / 512));
    });
    expect(sectors.filter(([first, last]) => first !== last)).toEqual([]);
    const readme = (fatCompat?: 'includeos') => planFatLayers([[put('README.TXT', 5)]], { fatCompat }).plan;
    expect(readme('includeos').locate('README.TXT')!.metadataLength).toBe(64);
    expect(readme().locate('README.TXT')!.metadataLength).toBe(32);
    expect(readme('includeos').locate('README.TXT')!.offset - readme().locate('README.TXT')!.offset).toBe(2048);
    expect(readme('includeos').blocks).toEqual(readme().blocks);
    expect(failure([put('n'.repeat(196))], { fatCompat: 'includeos' }).message).toContain('at most 195 characters');
    expect(() => planFatLayers([[put('n'.repeat(195))]], { fatCompat: 'includeos' })).not.toThrow();
  });

  it('has an id of what it holds', () => {
    const id = (entries: readonly EntryCase[], options: ImageOptions = {}) =>
      planFatLayers([entries], { mtime: 'keep', ...options }).plan.id;
    const first = id([put('a', 5, { mtimeSeconds: 1e9 })]);
    expect(first).toMatch(/^[0-9A-F]{4}-[0-9A-F]{4}$/);
    expect(id([put('a', 5, { mtimeSeconds: 1e9, mode: 0o777, uid: 5 })])).toBe(first);
    const others = [
      id([put('a', 6, { mtimeSeconds: 1e9 })]),
      id([put('a', 5, { mtimeSeconds: 1e9 + 2 })]),
      id([put('b', 5, { mtimeSeconds: 1e9 })]),
      id([put('a', 5, { mtimeSeconds: 1e9 })], { label: 'X' }),
    ];
    expect(new Set([first, ...others]).size).toBe(5);
    expect(id([], { uuid: Uint8Array.of(0x0a, 2, 3, 4) })).toBe('0A02-0304');
  });

  it('warns of times that FAT cannot hold', () => {
    const { warnings } = planFatLayers([[put('a', 0, { mtimeSeconds: 5 }), directory('d/')]], { mtime: 'keep' });
    expect(warnings).toEqual([
      'layer 0, entry a, and 1 more: a time outside 1980-01-01 to 2107-12-31 is clamped, as FAT cannot hold it',
    ]);
    expect(planFatLayers([[put('a')]], { sourceDateEpoch: 0 }).warnings).toEqual([]);
  });
});
