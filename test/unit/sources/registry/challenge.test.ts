import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from '../../../../src/sources/registry/challenge.ts';

/** Challenges in a form that is easy to compare. */
const parsed = (header: string): (readonly [string, object])[] =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

describe('a WWW-Authenticate header', () => {
  it.each<[string, (readonly [string, object])[]]>([
    ['', []],
    ['Basic', [['basic', {}]]],
    ['Basic realm="x"', [['basic', { realm: 'x' }]]],
    [
      'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"',
      [
        [
          'bearer',
          { realm: 'https://auth.example/token', service: 'registry.example', scope: 'repository:a/b:pull,push' },
        ],
      ],
    ],
    ['BEARER Realm=x , SERVICE = "y z"', [['bearer', { realm: 'x', service: 'y z' }]]],
    [
      'Basic realm="a", Bearer realm="b",service="c"',
      [
        ['basic', { realm: 'a' }],
        ['bearer', { realm: 'b', service: 'c' }],
      ],
    ],
    [
      'Negotiate, NTLM abc123==, Basic realm="a"',
      [
        ['negotiate', {}],
        ['ntlm', {}],
        ['basic', { realm: 'a' }],
      ],
    ],
    ['Bearer realm="a \\"quoted\\" \\\\ word"', [['bearer', { realm: 'a "quoted" \\ word' }]]],
    ['Bearer realm="first",realm="second"', [['bearer', { realm: 'first' }]]],
    [', , Basic realm="x",', [['basic', { realm: 'x' }]]],
    ['Bearer realm="not closed', [['bearer', {}]]],
    ['Basic realm="x" garbage="', [['basic', { realm: 'x' }]]],
    ['="x"', []],
  ])('%s', (header, challenges) => {
    expect(parsed(header).slice(0, challenges.length || 1)).toEqual(challenges);
  });

  it('is read back from its parts', () => {
    const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,10}$/);
    const parameters = fc.dictionary(token, fc.stringMatching(/^[\x20-\x7e]{0,20}$/), { maxKeys: 4 });
    const quoted = (value: string): string => `"${value.replace(/["\\]/g, '\\$&')}"`;
    fc.assert(
      fc.property(fc.array(fc.tuple(token, parameters), { maxLength: 4 }), (challenges) => {
        const lower = challenges.map(
          ([scheme, values]) =>
            [
              scheme.toLowerCase(),
              Object.fromEntries(Object.entries(values).map(([name, value]) => [name.toLowerCase(), value])),
            ] as const,
        );
        const header = lower
          .map(([scheme, values]) =>
            `${scheme} ${Object.entries(values)
              .map(([name, value]) => `${name}=${quoted(value)}`)
              .join(', ')}`.trim(),
          )
          .join(', ');
        expect(parsed(header)).toEqual(lower);
      }),
    );
  });

  it('is read in time that grows with its length', () => {
    for (const part of ['a="', 'a=b,', '\\"', 'Basic ', ',', ' ', 'a="b\\', '=', 'a ']) {
      expect(parseChallenges(part.repeat(16_384 / part.length)).length).toBeLessThanOrEqual(16_384);
    }
  });

  it('is read whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (header) => {
        expect(parseChallenges(header)).toBeInstanceOf(Array);
      }),
    );
  });
});
