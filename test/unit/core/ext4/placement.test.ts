import { describe, expect, it } from 'vitest';
import { EntryType } from '../../../../src/core/layer/entry.ts';
import type { Ext4Plan } from '../../../../src/core/ext4/layout.ts';
import { mapRows } from '../../../../src/core/plan/map.ts';
import { type EntryCase, link, makeTree, put, show } from '../../../helpers/make-tree.ts';
import { plainBytes } from '../../../helpers/memory-plan.ts';
import { planLayers } from '../../../helpers/plan-tree.ts';

const CHUNK = 512 * 1024;
const BLOB = new Uint8Array(4_000_000).fill(0xaa);

/** Files one after another in a layer, as a tar has them. */
function files(...sizes: readonly (readonly [path: string, size: number])[]): EntryCase[] {
  let dataOffset = 0;
  return sizes.map(([path, size]) => {
    const entry = put(path, size, { dataOffset });
    dataOffset += size + 512;
    return entry;
  });
}

const places = (plan: Ext4Plan, ...paths: string[]): unknown[] =>
  paths.map((path) => {
    const { ino, offset, length } = plan.locate(path)!;
    return [path, ino, offset - plan.geometry.data * plan.geometry.blockSize, length];
  });

const lower = files(['a', 10_000], ['b', 5000], ['c', 4096], ['d', 1]);

describe('stable placement', () => {
  it('has files in the order of their layer, each layer at a chunk', () => {
    const plan = planLayers([lower, files(['e', 3], ['f', 4097])]);
    expect(places(plan, 'a', 'b', 'c', 'd', 'e', 'f')).toEqual([
      ['a', 12, 0, 12_288],
      ['b', 13, 12_288, 8192],
      ['c', 14, 20_480, 4096],
      ['d', 15, 24_576, 4096],
      ['e', 16, CHUNK, 4096],
      ['f', 17, CHUNK + 4096, 8192],
    ]);
    expect((plan.geometry.data * 4096) % CHUNK).toBe(0);
  });

  it.each([
    ['replaces one', files(['b', 9])],
    ['hides one', [put('.wh.b')]],
    ['replaces one by a directory', [put('b/x', 1)]],
    ['replaces one by a link to another', [link('b', 'a')]],
  ])('keeps the places and inodes of a lower layer when a higher one %s', (_, upper) => {
    const before = planLayers([lower]);
    const plan = planLayers([lower, upper]);
    expect(places(plan, 'a', 'c', 'd')).toEqual(places(before, 'a', 'c', 'd'));
    const { offset } = before.locate('b')!;
    const start = offset - before.geometry.data * 4096 + plan.geometry.data * 4096;
    const left = plainBytes(plan, [BLOB, BLOB, BLOB]).subarray(start, start + 8192);
    expect(left.every((byte) => byte === 0)).toBe(true);
    expect(plan.regions.kind[plan.regions.start.indexOf(start)]).toBe(0);
  });

  it('keeps no place for what a layer made and replaced itself', () => {
    const plan = planLayers([files(['a', 10_000], ['a', 5000], ['b', 1])]);
    expect(places(plan, 'a', 'b')).toEqual([
      ['a', 12, 0, 8192],
      ['b', 13, 8192, 4096],
    ]);
  });

  it('keeps a third layer where it was when the second loses a file', () => {
    const third = files(['x', 5], ['y', 6]);
    const one = planLayers([lower, files(['e', 3], ['f', 600_000]), third]);
    const other = planLayers([lower, files(['e', 3], ['f', 600_000]), [...third, put('.wh.f')]]);
    expect(places(other, 'x', 'y', 'e')).toEqual(places(one, 'x', 'y', 'e'));
  });
});

describe('a change in a long layer with stable placement', () => {
  const PAGES = 3000;
  const long = (change: Readonly<Record<number, number>> = {}, added: readonly string[] = []): EntryCase[] => {
    const all = Array.from({ length: PAGES }, (_, i) => [`file-${i}`, change[i] ?? 4096] as const);
    return files(...all.slice(0, 100), ...added.map((name) => [name, 5000] as const), ...all.slice(100));
  };
  /** How many files of the layer are elsewhere, and whether one of the layer above is. */
  const moved = (layer: EntryCase[]): { files: number; inodes: number; upper: boolean } => {
    const [before, after] = [planLayers([long(), files(['upper', 1])]), planLayers([layer, files(['upper', 1])])];
    const of = (plan: Ext4Plan, name: string): unknown[] => places(plan, name)[0] as unknown[];
    const names = Array.from({ length: PAGES }, (_, i) => `file-${i}`);
    const differing = (field: number): number =>
      names.filter((name) => of(before, name)[field] !== of(after, name)[field]).length;
    const upper = [1, 2].some((field) => of(before, 'upper')[field] !== of(after, 'upper')[field]);
    return { files: differing(2), inodes: differing(1), upper };
  };

  it('moves the data up to the next boundary, and no inode, where a file grew', () => {
    const { files: count, inodes, upper } = moved(long({ 10: 9000 }));
    expect(count).toBeGreaterThan(900);
    expect(count).toBeLessThan(1300);
    expect([inodes, upper]).toEqual([0, false]);
  });

  it('moves also the inodes up to there, where a file came', () => {
    const { files: count, inodes, upper } = moved(long({}, ['new']));
    expect(count).toBeLessThan(1300);
    expect(inodes).toBeGreaterThan(900);
    expect(inodes).toBeLessThan(1300);
    expect(upper).toBe(false);
  });

  it('moves a large file by chunks only', () => {
    const size = 8 * CHUNK;
    const [plan, other] = [3, 9000].map((small) => planLayers([files(['small', small], ['large', size])]));
    expect(places(plan!, 'large')).toEqual([['large', 13, CHUNK, size]]);
    expect(places(other!, 'large')).toEqual([['large', 13, CHUNK, size]]);
    const less = planLayers([files(['small', 3], ['large', size - 4096])]);
    expect(places(less, 'large')).toEqual([['large', 13, 4096, size - 4096]]);
  });
});

describe('compact placement', () => {
  it('does not tell of layers', () => {
    const upper = [put('new/', 0, { type: EntryType.directory }), link('new/a', 'a'), put('.wh.a'), put('e', 0)];
    const stack = planLayers([lower, upper], { placement: 'compact' });
    const blobs = [BLOB, BLOB];
    const [b, c, d] = lower.slice(1);
    const directory = put('new/', 0, { type: EntryType.directory });
    const flat = [b!, c!, d!, directory, { ...lower[0]!, path: 'new/a' }, put('e', 0)];
    const one = planLayers([flat], { placement: 'compact' });
    expect(places(stack, 'b', 'new', 'new/a', 'e').map((place) => (place as unknown[])[1])).toEqual([12, 15, 16, 17]);
    expect(Buffer.compare(plainBytes(stack, blobs), plainBytes(one, blobs))).toBe(0);
  });

  it('has no hole', () => {
    const plan = planLayers([lower, files(['e', 3], ['b', 9])], { placement: 'compact' });
    expect(places(plan, 'a', 'c', 'd', 'e', 'b')).toEqual([
      ['a', 12, 0, 12_288],
      ['c', 13, 12_288, 4096],
      ['d', 14, 16_384, 4096],
      ['e', 15, 20_480, 4096],
      ['b', 16, 24_576, 4096],
    ]);
  });
});

describe('a plan', () => {
  const layers = [
    [...lower, ...Array.from({ length: 1000 }, (_, i) => put(`many/${i}`, i % 3)), link('l', 'many/7')],
    [put('many/.wh.5'), put('new/x', 5), put('.wh.c')],
  ];

  it('is the same whatever the key of the hash of names', () => {
    const [one, other] = [planLayers(layers, {}, [1, 2]), planLayers(layers, {}, [-5, 77])];
    expect(other.regions).toEqual(one.regions);
    expect(other.geometry).toEqual(one.geometry);
    expect(other.uuid).toEqual(one.uuid);
    expect(Buffer.compare(plainBytes(other, [BLOB, BLOB]), plainBytes(one, [BLOB, BLOB]))).toBe(0);
    expect(show(makeTree(layers, 'follow', [9, 9]))).toEqual(show(makeTree(layers)));
  });

  it('has another UUID for another tree or other options, not for another number of layers', () => {
    const uuid = (made: Ext4Plan): string => Buffer.from(made.uuid).toString('hex');
    const plain = uuid(planLayers([lower]));
    expect(plain).toMatch(/^.{12}8.{3}[89ab]/);
    expect(uuid(planLayers([lower.slice(0, 2), lower.slice(2)]))).toBe(plain);
    const others = [
      planLayers([[...lower, put('e')]]),
      planLayers([[...lower.slice(1), put('a', 10_001)]]),
      planLayers([[...lower.slice(1), put('a', 10_000, { mode: 0o600 })]]),
      planLayers([[...lower.slice(1), put('a', 10_000, { uid: 1 })]]),
      planLayers([[...lower.slice(1), put('a', 10_000, { xattrs: [{ name: 'user.a', value: new Uint8Array(1) }] })]]),
      planLayers([[...lower, link('e', 'a')]]),
      planLayers([lower], { label: 'x' }),
      planLayers([lower], { blockSize: 1024 }),
      planLayers([lower], { mtime: 5 }),
      planLayers([lower], { free: 5 }),
      planLayers([lower], { placement: 'compact' }),
    ];
    expect(new Set([plain, ...others.map(uuid)]).size).toBe(others.length + 1);
  });

  it('of a deep tree says what lives where, of long paths the end', () => {
    const plan = planLayers([[put(`${'d/'.repeat(20_000)}x`, 1)]]);
    const labels = Array.from(mapRows(plan), ({ label }) => label);
    expect(labels).toContain('directory /d/d/d');
    expect(labels.find((label) => label.endsWith('d/x (layer 0)'))).toMatch(/^file \/…(\/d){511}\/x \(/);
  });

  it('says what lives where', () => {
    const plan = planLayers([lower, [put('.wh.b')]]);
    const at = (offset: number): string => {
      const region = plan.regions.start.findLastIndex((start) => start <= offset);
      return plan.label(plan.regions.owner[region]!, offset);
    };
    expect(at(plan.locate('a')!.offset)).toBe('file /a (layer 0)');
    expect(at(plan.locate('a')!.offset + 12_288)).toBe('free, kept for /b of layer 0');
    expect(at(0)).toBe('boot area');
    expect(at(plan.size - 1)).toBe('free');
    expect(plan.locate('b')).toBeUndefined();
    expect(plan.locate('a/b')).toBeUndefined();
    expect(plan.locate('')?.ino).toBe(2);
    expect(plan.locate('lost+found')?.ino).toBe(11);
  });
});
