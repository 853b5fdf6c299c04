import { describe, expect, it } from 'vitest';
import { ImageError } from '../../src/core/errors.ts';
import { exampleDefinition } from '../../src/definition/example.ts';
import { folderAt } from '../../src/definition/folder.ts';
import { parseDefinition } from '../../src/definition/read-definition.ts';
import { random } from '../helpers/random.ts';

const SEED = Number(process.env['BLOCKLOOM_SEED'] ?? 20100101);
/** Damaged definitions that are read; more find more. */
const ROUNDS = Number(process.env['BLOCKLOOM_FUZZ_ROUNDS'] ?? 60) * 10;

const WHOLE = `${exampleDefinition('x')}
owner: &o 0:0
chmod_mask: 022
platform: linux/amd64
`;
const PIECES = [
  '\n',
  '  ',
  '\t',
  ': ',
  '- ',
  '{',
  '}',
  '[',
  ']',
  '*o',
  '&o ',
  '!!str ',
  '"',
  "'",
  '|\n',
  '>',
  '#',
  '%',
  '---\n',
  '...\n',
  '? ',
  ',',
  '0644',
  '~',
  '<<',
  '/',
  '..',
  '\0',
  '\ud800',
  '\u2028',
  '\ufeff',
  '@',
  '`',
];

function damage(text: string, next: (below: number) => number): string {
  let damaged = text;
  for (let change = next(4); change >= 0; change--) {
    const at = next(damaged.length + 1);
    const cut = next(3) === 0 ? next(40) : next(3);
    const piece =
      next(4) === 0 ? text.slice(next(text.length), next(text.length)) : (PIECES[next(PIECES.length)] ?? '');
    damaged = damaged.slice(0, at) + piece + damaged.slice(at + cut);
  }
  return damaged;
}

describe('a damaged definition', () => {
  it('is read, or refused in one line that has its place', () => {
    const next = random(SEED);
    const wrong: string[] = [];
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const text = damage(WHOLE, next);
      try {
        parseDefinition(text, 'image.yaml', folderAt('.'));
      } catch (error) {
        refused++;
        const isClear =
          error instanceof ImageError &&
          error.code === 'definition-invalid' &&
          /^image\.yaml:\d+:\d+: \P{Cc}+$/u.test(error.message);
        if (!isClear) wrong.push(`${JSON.stringify(text)}: ${String(error)}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(refused).toBeGreaterThan(ROUNDS / 4);
    expect(refused).toBeLessThan(ROUNDS);
  });
});
