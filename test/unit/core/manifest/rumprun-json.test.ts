import { describe, expect, it } from 'vitest';
import { formatRumprunJson, parseRumprunJson, type RumprunMember } from '../../../../src/core/manifest/rumprun-json.ts';

const parse = (text: string): readonly RumprunMember[] => parseRumprunJson(Buffer.from(text), 'app.json').members;

/** What Rumprun's launcher writes for `rumprun qemu -b disk.img,/data -e A=b app`, with its commas everywhere. */
const LAUNCHER = [
  ' {',
  '\t"blk" :  {',
  '\t\t"source":\t"dev"',
  '\t\t"path":\t"/dev/ld0a"',
  '\t\t"fstype":\t"blk"',
  '\t\t"mountpoint":\t"/data"',
  '\t}',
  '\t"env": "A=b"',
  '\t"cmdline": "app -x"',
  '}',
]
  .map((line) => `${line}, \n`)
  .join('');

describe('parseRumprunJson', () => {
  it('reads what the launcher of Rumprun writes', () => {
    expect(parse(LAUNCHER)).toEqual([
      [
        'blk',
        {
          members: [
            ['source', 'dev'],
            ['path', '/dev/ld0a'],
            ['fstype', 'blk'],
            ['mountpoint', '/data'],
          ],
        },
      ],
      ['env', 'A=b'],
      ['cmdline', 'app -x'],
    ]);
  });

  it('keeps repeated keys, in order', () => {
    expect(parse('{"env":"A=1","env":"B=2",}')).toEqual([
      ['env', 'A=1'],
      ['env', 'B=2'],
    ]);
  });

  it('passes over what is in front of the first brace', () => {
    expect(parse('app.bin {"cmdline":"app"}')).toEqual([['cmdline', 'app']]);
  });

  it('reads lists', () => {
    expect(parse('{"rc":[{"bin":"a","argv":["x","y",],},]}')).toEqual([
      [
        'rc',
        [
          {
            members: [
              ['bin', 'a'],
              ['argv', ['x', 'y']],
            ],
          },
        ],
      ],
    ]);
  });

  it('takes objects without a key as if their members stood there', () => {
    expect(parse('{{"hostname":"h"}, {{"cmdline":"c"}}}')).toEqual([
      ['hostname', 'h'],
      ['cmdline', 'c'],
    ]);
  });

  it('keeps escapes as they are', () => {
    const text = String.raw`a\"b\\c\/d\u00e4ä`;
    const members = parse(`{"cmdline":"${text}"}`);
    expect(members).toEqual([['cmdline', text]]);
    expect(formatRumprunJson({ members })).toBe(`{"cmdline":"${text}"}`);
  });

  it.each([
    ['nothing', '', 'character 1: the end, expected an object'],
    ['text', 'app', 'character 1: "a", expected an object'],
    ['an object without an end', '{"a":"b"', 'character 9: the end, expected , or }'],
    ['a list without an end', '{"a":["b"', 'character 10: the end, expected a string, an object or a list'],
    ['a string that no comma ends', '{"a":"b" "c":"d"}', 'character 10: "\\"", expected , or }'],
    ['a comma behind a colon', '{"a":,"b"}', 'character 6: ",", expected a string, an object or a list'],
    ['a comma in front of a colon', '{"a",:"b"}', 'character 5: ",", expected :'],
    ['a form feed', '{\f}', 'character 2: "\\f", expected a key or }'],
    ['something behind the end', '{} x', 'character 4: "x", expected the end'],
    ['two objects', '{}{}', 'character 3: "{", expected the end'],
    ['a key without a value', '{"a"}', 'character 5: "}", expected :'],
    ['a number', '{"a":1}', 'character 6: "1", expected a string, an object or a list'],
    ['a literal', '{"a":true}', 'character 6: "t", expected a string'],
    ['a bare key', '{a:"b"}', 'character 2: "a", expected a key or }'],
    ['a string without an end', '{"a":"b}', 'character 6: "\\"", expected a string with an end'],
    ['an unknown escape', '{"a":"\\x"}', 'expected a string with an end'],
    ['a short escape', '{"a":"\\u12"}', 'expected a string with an end'],
    ['a tab in a string', '{"a":"\t"}', 'without control characters'],
    ['a list that ends as an object', '{"a":["b"}', 'character 10: "}", expected a string'],
    ['17 levels', `{"a":${'['.repeat(16)}`, 'character 21: "[", expected at most 16 levels'],
    ['17 levels of objects', '{'.repeat(17), 'expected at most 16 levels'],
    ['64 KiB', `{}${' '.repeat(1 << 16)}`, 'has 65538 bytes, at most 65536 are read'],
  ])('refuses %s', (_, text, what) => {
    expect(() => parse(text)).toThrow(what);
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'manifest-invalid' }));
  });

  it('refuses what is not UTF-8', () => {
    expect(() => parseRumprunJson(Uint8Array.of(0x7b, 0xff, 0x7d), 'app.json')).toThrow('app.json is not UTF-8');
  });
});
