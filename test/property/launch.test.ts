import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { qemuOption } from '../../src/core/launch/qemu.ts';
import { shellAssignment, shellWords } from '../../src/core/launch/shell-words.ts';

/** Text that arguments can have: anything but NUL. */
const word = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !text.includes('\0'));
const words = fc.array(word, { maxLength: 8 });

describe('the words of a command', () => {
  it('are the same for a shell', () => {
    fc.assert(
      fc.property(words, word, (argv, value) => {
        const script = `${shellAssignment('export', value)}; printf '%s\\0' "$export" ${shellWords(argv)}`;
        const { stdout } = spawnSync('sh', ['-c', script]);
        expect(stdout.toString()).toBe([value, ...argv].map((each) => `${each}\0`).join(''));
      }),
      { numRuns: 100 },
    );
  });

  it('are values for QEMU, whatever commas they have', () => {
    fc.assert(
      fc.property(word, word, (first, second) => {
        const text = qemuOption('name', { a: first, b: second });
        // QEMU splits at commas that are not doubled.
        const parts = text.replaceAll(',,', '\0').split(',');
        expect(parts.map((part) => part.replaceAll('\0', ','))).toEqual(['name', `a=${first}`, `b=${second}`]);
      }),
    );
  });
});
