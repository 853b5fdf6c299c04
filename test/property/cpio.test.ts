import fc from 'fast-check';
import { describe, it } from 'vitest';
import { type CpioEntry, cpioArchive } from '../../src/core/cpio/newc.ts';
import { makeCpio } from '../helpers/cpio-writer.ts';
import { isThere, run } from '../helpers/tools.ts';

const name = fc.stringMatching(/^[a-zé0-9._-]{1,20}$/).filter((text) => !/^\.+$|^TRAILER/.test(text));
const entries: fc.Arbitrary<CpioEntry[]> = fc.uniqueArray(
  fc.record({ path: name, data: fc.uint8Array({ maxLength: 40 }) }).map((entry) => ({ ...entry, mode: 0o100644 })),
  { selector: ({ path }) => path, maxLength: 12 },
);

describe('cpio archives', () => {
  it('are what another writer makes', () => {
    fc.assert(
      fc.property(entries, (given) => {
        const expected = makeCpio(
          given.map(({ path, mode, data = new Uint8Array(0) }) => ({ name: path, mode, data })),
        );
        return Buffer.compare(cpioArchive(given), expected) === 0;
      }),
    );
  });

  it.skipIf(!isThere('busybox', ['--list'], 'cpio'))('are listed by busybox with all their names', () => {
    fc.assert(
      fc.property(entries, (given) => {
        const listed = run('busybox', ['cpio', '-t'], { input: cpioArchive(given) });
        return listed.toString() === given.map(({ path }) => `${path}\n`).join('');
      }),
      { numRuns: 20 },
    );
  });
});
