import { expect, it } from 'vitest';
import { divideWords } from '../../../src/cli/command-words.ts';

const divided = (line: string): string[] => {
  const { own, command } = divideWords(['node', 'main.js', ...line.split(' ')]);
  return [own.slice(2).join(' '), command.join(' ')];
};

it.each([
  ['run a.tar -- cat -n -- x', 'run a.tar', 'cat -n -- x'],
  ['--debug run a.tar --', '--debug run a.tar', ''],
  ['run a.tar', 'run a.tar', ''],
  ['ls -- -strange', 'ls -- -strange', ''],
])('%j is divided at the first -- of a command that takes one', (line, own, command) => {
  expect(divided(line)).toEqual([own, command]);
});
