import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CASES } from '../../golden-images/cases.ts';
import { dumpKindOf, hasDumpTools } from '../../golden-images/dump.ts';
import { makeGolden } from '../../golden-images/make.ts';
import { requireTools } from '../helpers/tools.ts';

const FOLDER = join(import.meta.dirname, '../../golden-images');

describe('golden images', () => {
  requireTools('dumpe2fs', 'debugfs', 'minfo', 'mdir', 'tar', 'sfdisk');

  it.each([...CASES])('%s is as it was', async (name, recipe) => {
    const golden = await makeGolden(recipe);
    expect(golden.has('dump.txt')).toBe(hasDumpTools(dumpKindOf(recipe)));
    const kept = [...golden.keys()].map((file) => [file, readFileSync(join(FOLDER, name, file), 'utf8')]);
    expect(Object.fromEntries(golden)).toEqual(Object.fromEntries(kept));
  });
});
