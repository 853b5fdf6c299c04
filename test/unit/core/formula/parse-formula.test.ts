import { describe, expect, it } from 'vitest';
import { parseFormula } from '../../../../src/core/formula/parse-formula.ts';
import { withoutTrailingCommas } from '../../../../src/core/formula/tolerant-json.ts';

const parse = (text: string): ReturnType<typeof parseFormula> =>
  parseFormula(Buffer.from(text), 'x.formula', () => undefined);

describe('a formula', () => {
  it('is read with its context, and with commas behind the last of everything', () => {
    const { formula, context } = parse(`{
      "formula": {
        "inputs": {"/": "tar:a,]", "/x": "mount:ro:/x",},
        "action": {"exec": ["/bin/sh", "-c", "echo \\",}\\"",], "env": {"A": "b",},},
        "outputs": {"/out": {"packtype": "tar", "filters": {"uid": "keep"}},},
      },
      "context": {"fetchUrls": {"/": ["file://a", "http://b",]}, "saveUrls": {"/out": "ca+file://c"},},
    }`);
    expect(Array.from(formula.inputs!, ([path, { ware }]) => [path, ware])).toEqual([
      ['/', 'tar:a,]'],
      ['/x', 'mount:ro:/x'],
    ]);
    expect(formula.action.exec).toEqual(['/bin/sh', '-c', 'echo ",}"']);
    expect([...formula.outputs!]).toEqual([['/out', { path: '/out', type: 'tar', filters: { uid: 'keep' } }]]);
    expect(context.fetchUrls.get('/')).toEqual(['file://a', 'http://b']);
    expect(context.saveUrls.get('/out')).toBe('ca+file://c');
  });

  it.each([
    ['', 'x.formula is not JSON'],
    ['{"formula":{"action":{}},,}', 'is not JSON'],
    ['[]', 'an array, expected an object'],
    ['{"action":{}}', '"action", expected only formula, context'],
    ['{"formula":{}}', 'formula.action: nothing, expected an object'],
    ['{"formula":{"action":{"exec":"x"}}}', 'formula.action.exec: "x", expected an array'],
    ['{"formula":{"action":{"noop":1}}}', 'formula.action.noop: 1, expected true or false'],
    ['{"formula":{"action":{"cradle":"no"}}}', 'cradle: "no", expected disable'],
    ['{"formula":{"action":{"userinfo":{"uid":-1}}}}', 'uid: -1, expected a whole number'],
    ['{"formula":{"action":{"cwd":"task"}}}', 'expected an absolute path'],
    ['{"formula":{"action":{"exec":["a\\u0000"]}}}', 'exec[0]: "a\\u0000", expected a text without NUL'],
    ['{"formula":{"action":{"env":{"A=B":""}}}}', '"A=B", expected a variable'],
    ['{"formula":{"action":{"env":{"":""}}}}', '"", expected a variable'],
    ['{"formula":{"action":{"hostname":"a b"}}}', 'hostname: "a b", expected the name of a host'],
    ['{"formula":{"action":{"policy":"uidZero"}}}', 'policy: "uidZero", expected routine or governor or sysad'],
    ['{"formula":{"inputs":{"x":"y"},"action":{}}}', '"x", expected an absolute path'],
    ['{"formula":{"action":{},"outputs":{"/x":{}}}}', 'packtype: nothing, expected a string'],
    ['{"formula":{"action":{},"outputs":{"/x":{"packtype":"git"}}}}', 'the pack type is none of'],
    ['{"formula":{"action":{},"outputs":{"/x":{"packtype":"tar","filters":{"uid":1}}}}}', 'uid: 1, expected a string'],
    ['{"formula":{"action":{},"outputs":{"/x":{"packtype":"tar","filters":{"uid":"mine"}}}}}', 'filter "uid=mine"'],
  ])('is not %s', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  it('is no more than 4 MiB', () => {
    expect(() => parse(' '.repeat(4 * 2 ** 20 + 1))).toThrow('at most 4194304 are read');
  });
});

describe('trailing commas', () => {
  it.each([
    ['[1,]', '[1]'],
    ['{"a":1 , \n }', '{"a":1  \n }'],
    ['[",]"]', '[",]"]'],
    ['["\\\\",]', '["\\\\"]'],
    ['[1,,]', '[1,]'],
    ['"no end ,]', '"no end ,]'],
  ])('%s', (text, without) => {
    expect(withoutTrailingCommas(text)).toBe(without);
  });

  it('are found in linear time', () => {
    for (const text of ['"\\'.repeat(1e6), ', '.repeat(1e6), `,${' '.repeat(2e6)}`, '"'.repeat(2e6 + 1)])
      expect(withoutTrailingCommas(text)).toBe(text);
  });
});
