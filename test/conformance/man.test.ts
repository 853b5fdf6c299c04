import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sharedScratch } from '../helpers/scratch.ts';
import { requireTools, run } from '../helpers/tools.ts';

const PAGES = join(import.meta.dirname, '../../dist/scripts/command-pages.js');

describe.skipIf(!requireTools('mandoc', 'man'))('the manual pages', () => {
  const folder = sharedScratch();
  run(process.execPath, [PAGES, 'man', folder]);
  const names = readdirSync(folder);

  it('are one of the program and one of each command', () => {
    expect(names).toEqual(
      expect.arrayContaining(['blockloom.1', 'blockloom-build.1', 'blockloom-cache-prune.1', 'blockloom-serve.1']),
    );
  });

  it('are without fault for mandoc', () => {
    // They have no date: what they say hangs on the version alone. It ends with 2 for warnings too.
    const paths = names.map((name) => join(folder, name));
    const said = run('sh', ['-c', 'mandoc -Tlint -W warning "$@" 2>&1 || true', 'sh', ...paths]).toString();
    expect(said.split('\n').filter((line) => line !== '' && !line.includes('missing date'))).toEqual([]);
  });

  it('say what the help says', () => {
    const text = run('man', ['-l', join(folder, 'blockloom-cache-prune.1')]).toString();
    for (const part of ['blockloom cache prune [options]', '--max-size <size>', '--all --dry-run', 'SEE ALSO'])
      expect(text).toContain(part);
  });
});
