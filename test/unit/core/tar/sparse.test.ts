import { describe, expect, it } from 'vitest';
import { byteString, bytesOf } from '../../../../src/core/bytes.ts';
import { SPARSE_SEGMENTS_MAX } from '../../../../src/core/tar/limits.ts';
import { contentOf, entryAt, readTarEveryWay, tarError } from '../../../helpers/tar-driver.ts';
import {
  BLOCK,
  makeTar,
  type PaxPair,
  putNumber,
  type SparseSpec,
  type TarEntry,
} from '../../../helpers/tar-writer.ts';

const FORMS = ['gnu', '0.0', '0.1', '1.0'] as const;

function sparse(
  form: SparseSpec['form'],
  size: number,
  segments: [number, number][],
  more: Partial<TarEntry> = {},
): Uint8Array {
  const map = segments.map(([offset, length]) => ({ offset, length }));
  const stored = map.reduce((sum, { length }) => sum + length, 0);
  const data = Uint8Array.from({ length: stored }, (_, i) => 1 + (i % 251));
  return makeTar([
    { name: 'dir/file', data, sparse: { form, size, segments: map }, ...more },
    { name: 'next', data: 'n' },
  ]);
}

/** A well-formed 1.0 file whose map is replaced by `map`. */
function withMap(map: string, stored = 0): Uint8Array {
  const padded = map + '\0'.repeat(Math.ceil(map.length / BLOCK) * BLOCK - map.length);
  const records: PaxPair[] = [
    ['GNU.sparse.major', '1'],
    ['GNU.sparse.minor', '0'],
    ['GNU.sparse.name', 'file'],
    ['GNU.sparse.realsize', '4096'],
  ];
  return makeTar([{ name: 'GNUSparseFile.0/file', pax: records, data: padded + 'x'.repeat(stored) }]);
}

describe.each(FORMS)('a sparse file of form %s', (form) => {
  it.each([
    ['data in the middle', 5000, [[512, 1024]]],
    ['data at the end', 1025, [[1024, 1]]],
    ['data at the beginning', 100_000, [[0, 700]]],
    [
      'a closing empty segment',
      9000,
      [
        [0, 512],
        [9000, 0],
      ],
    ],
    [
      'touching segments',
      3000,
      [
        [0, 512],
        [512, 512],
      ],
    ],
    ['no hole', 3, [[0, 3]]],
    ['holes alone', 2 ** 40, []],
    ['an empty segment alone', 2 ** 40, [[2 ** 40, 0]]],
    ['nothing', 0, []],
    ['the highest offset', 2 ** 44, [[2 ** 44 - 512, 512]]],
    ['sixty segments', 60_000, Array.from({ length: 60 }, (_, i): [number, number] => [1000 * i, 1 + i])],
  ] as [string, number, [number, number][]][])('%s', (_, size, segments) => {
    const entries = readTarEveryWay(sparse(form, size, segments));
    expect(entries.map(({ path }) => path)).toEqual(['dir/file', 'next']);
    const file = entryAt(entries, 'dir/file');
    expect(file.size).toBe(size);
    expect(file.segments).toEqual(
      segments.filter(([, length]) => length > 0).map(([offset, length]) => ({ offset, length })),
    );
  });

  it('finds its data', () => {
    const tar = sparse(
      form,
      60_000,
      Array.from({ length: 30 }, (_, i) => [2000 * i, 512]),
    );
    const expected = new Uint8Array(60_000);
    for (let i = 0; i < 30 * 512; i++) expected[2000 * Math.floor(i / 512) + (i % 512)] = 1 + (i % 251);
    const entries = readTarEveryWay(tar);
    expect(contentOf(tar, entryAt(entries, 'dir/file'))).toEqual(expected);
    expect(contentOf(tar, entryAt(entries, 'next'))).toEqual(bytesOf('n'));
  });

  it.each([
    [
      'overlap',
      5000,
      [
        [0, 600],
        [512, 10],
      ],
    ],
    [
      'go backwards',
      5000,
      [
        [512, 10],
        [0, 10],
      ],
    ],
    ['leave the file', 5000, [[4999, 2]]],
    ['begin behind the file', 5000, [[5001, 0]]],
  ] as [string, number, [number, number][]][])('refuses segments that %s', (_, size, segments) => {
    const { code, message } = tarError(sparse(form, size, segments));
    expect(code).toBe('layer-corrupt');
    expect(message).toMatch(/^layer 0, entry dir\/file, header at 0x[0-9a-f]+: a sparse segment of/);
  });

  it('refuses data that is not what the map says', () => {
    const tar = sparse(form, 5000, [[0, 100]], { data: 'x'.repeat(101) });
    expect(tarError(tar)).toMatchObject({ code: 'layer-corrupt', context: { path: 'dir/file' } });
  });

  it('refuses a file beyond 16 TiB', () => {
    expect(tarError(sparse(form, 2 ** 44 + 1, [])).code).toBe('limit-exceeded');
  });
});

describe('type S', () => {
  it("is refused in a header that is not GNU tar's", () => {
    const error = tarError(makeTar([{ name: 'a', type: 'S', format: 'ustar' }]));
    expect(error).toMatchObject({ code: 'layer-unsupported', context: { layer: 0, path: 'a', offset: 0 } });
  });

  it('is refused when an extension header is missing', () => {
    const edit = (header: Uint8Array) => header.fill(1, 482, 483);
    const tar = makeTar([{ name: 'a', sparse: { form: 'gnu', size: 0, segments: [] }, edit }], { endBlocks: 0 });
    expect(tarError(tar).code).toBe('layer-truncated');
  });

  it('is refused with numbers that are none', () => {
    for (const at of [386, 398, 483]) {
      const edit = (header: Uint8Array) => header.fill(0x39, at, at + 12);
      const segments = [{ offset: 0, length: 0 }];
      const error = tarError(makeTar([{ name: 'a', sparse: { form: 'gnu', size: 9, segments }, edit }]));
      expect(error.code).toBe('layer-corrupt');
    }
  });

  it('is refused with negative numbers', () => {
    for (const at of [386, 398, 483]) {
      const edit = (header: Uint8Array) => putNumber(header, at, 12, -1, true);
      const segments = [{ offset: 0, length: 0 }];
      const error = tarError(makeTar([{ name: 'a', sparse: { form: 'gnu', size: 9, segments }, edit }]));
      expect(error.code).toBe('layer-corrupt');
    }
  });
});

describe('PAX sparse records', () => {
  const file = (...pax: PaxPair[]) => tarError(makeTar([{ name: 'a', pax }]));

  it('are refused when they are not a map', () => {
    const size: PaxPair = ['GNU.sparse.size', '10'];
    expect(file(['GNU.sparse.major', '2']).code).toBe('layer-unsupported');
    expect(file(['GNU.sparse.major', '1'], ['GNU.sparse.minor', '1']).code).toBe('layer-unsupported');
    expect(file(['GNU.sparse.major', '1']).message).toMatch(/without a size/);
    expect(file(['GNU.sparse.size', '1x']).message).toMatch(/without a size/);
    expect(file(['GNU.sparse.size', '-1']).code).toBe('layer-corrupt');
    expect(file(size, ['GNU.sparse.map', '1']).message).toMatch(/ends within a segment/);
    expect(file(size, ['GNU.sparse.map', '1,x']).message).toMatch(/not a decimal number/);
    expect(file(size, ['GNU.sparse.map', '0,0,']).message).toMatch(/not a decimal number/);
    expect(file(size, ['GNU.sparse.map', '0,0'], ['GNU.sparse.numblocks', '2']).message).toMatch(
      /declares another number/,
    );
    expect(file(size, ['GNU.sparse.numbytes', '1']).message).toMatch(
      /GNU.sparse.numbytes where GNU.sparse.offset is due/,
    );
    expect(file(size, ['GNU.sparse.offset', '1'], ['GNU.sparse.offset', '2']).message).toMatch(/numbytes is due/);
    expect(file(size, ['GNU.sparse.offset', '1']).message).toMatch(/ends within a segment/);
  });

  it('mean nothing for what is no file', () => {
    const pax: PaxPair[] = [['GNU.sparse.size', '10']];
    expect(readTarEveryWay(makeTar([{ name: 'a/', pax }]))[0]).toMatchObject({ size: 0, segments: undefined });
  });
});

describe('the map of form 1.0', () => {
  it('may be longer than a block', () => {
    const segments = Array.from({ length: 300 }, (_, i): [number, number] => [1_000_000 * i, 1]);
    const file = entryAt(readTarEveryWay(sparse('1.0', 2 ** 30, segments)), 'dir/file');
    expect(file.segments).toHaveLength(300);
    expect(file.dataOffset % BLOCK).toBe(0);
  });

  it('may end exactly at the end of a block', () => {
    const pairs = Array.from({ length: 72 }, (_, i) => `${1000 + 10 * i}\n1\n`);
    const map = `73\n10\n1\n${pairs.join('')}`;
    expect(map).toHaveLength(BLOCK);
    const file = entryAt(readTarEveryWay(withMap(map, 73)), 'file');
    expect(file.segments).toHaveLength(73);
  });

  it.each([
    ['does not end', '3\n1\n1\n'],
    ['has a letter', '1\n0\nx\n'],
    ['has a negative count', '-1\n'],
    ['has an empty line', '\n'],
    ['has no line at all', 'x'.repeat(BLOCK)],
  ])('is refused when it %s', (_, map) => {
    expect(tarError(withMap(map))).toMatchObject({ code: 'layer-corrupt', context: { layer: 0, path: 'file' } });
  });

  it('is refused with a line that would grow', () => {
    for (const line of [`${'0'.repeat(16)}1\n`, 'x'.repeat(BLOCK)]) {
      const error = tarError(withMap(line));
      expect(error.code).toBe('layer-corrupt');
      expect(error.message).toContain('a line that is no number');
    }
  });

  it('is refused with too many segments before they are read', () => {
    const error = tarError(withMap(`${SPARSE_SEGMENTS_MAX + 1}\n`));
    expect(error.code).toBe('limit-exceeded');
    expect(error.message).toContain('1048577 segments, at most 1048576');
  });
});

it('the name of a sparse file wins over the stand-in that old tars would make', () => {
  const tar = withMap('0\n');
  expect(readTarEveryWay(tar).map(({ path }) => path)).toEqual(['file']);
  expect(byteString(tar.subarray(BLOCK * 2, BLOCK * 2 + 18))).toBe('GNUSparseFile.0/fi');
});
