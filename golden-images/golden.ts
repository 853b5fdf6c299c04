import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CASES } from './cases.ts';
import { makeGolden } from './make.ts';

/** Where the texts are kept, seen from the compiled program. */
const FOLDER = join(import.meta.dirname, '../../golden-images');
/** How many lines of a difference are shown. */
const LINES_MAX = 12;

const write = process.argv.includes('--write');
const chosen = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
let changed = 0;
for (const [name, recipe] of CASES) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  for (const [file, made] of await makeGolden(recipe)) {
    const path = join(FOLDER, name, file);
    const kept = existsSync(path) ? readFileSync(path, 'utf8') : '';
    if (kept === made) continue;
    changed++;
    console.log(`${name}/${file}${write ? ': written' : ''}`);
    if (write) writeFileSync(path, made);
    else console.log(difference(kept.split('\n'), made.split('\n')).join('\n'));
  }
}
console.log(
  changed === 0 ? 'all golden images are as they were' : `${changed} files ${write ? 'changed' : 'would change'}`,
);
if (changed > 0 && !write) {
  console.log('a change of a released image asks for a new format version; npm run golden -- --write takes it');
  process.exitCode = 1;
}

/** The first lines that are in one text only. */
function difference(kept: readonly string[], made: readonly string[]): string[] {
  const [old, fresh] = [new Set(kept), new Set(made)];
  const lines = [
    ...kept.filter((line) => !fresh.has(line)).map((line) => `  - ${line}`),
    ...made.filter((line) => !old.has(line)).map((line) => `  + ${line}`),
  ];
  return lines.length <= LINES_MAX
    ? lines
    : [...lines.slice(0, LINES_MAX), `  … ${lines.length - LINES_MAX} more lines`];
}
