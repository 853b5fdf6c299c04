import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ImageError } from '../../src/core/errors.ts';
import { parseFormula } from '../../src/core/formula/parse-formula.ts';
import { LOSSLESS } from '../../src/core/ware/filters.ts';
import { packWare } from '../../src/pack-ware.ts';
import { openPacked } from '../../src/sources/ware/open-fileset.ts';
import { random } from '../helpers/random.ts';
import { scratch } from '../helpers/scratch.ts';
import { VECTORS, wareAt, writeTar } from '../helpers/wares.ts';

const openFiles = (): number => readdirSync('/proc/self/fd').length;

/** Bytes with some of them changed, cut off or moved. */
function damaged(bytes: Uint8Array, next: (below: number) => number): Uint8Array {
  const copy = Buffer.from(bytes);
  for (let i = next(8); i >= 0; i--) copy[next(copy.length)] = [0, 0xff, next(256), copy[next(copy.length)]!][next(4)]!;
  if (next(4) === 0) return copy.subarray(0, next(copy.length));
  if (next(4) === 0) return Buffer.concat([copy.subarray(next(copy.length)), copy]);
  return copy;
}

describe('zips that were damaged', () => {
  it('are read as something, or refused in one line, and leave no file open', { timeout: 60_000 }, async () => {
    const folder = scratch();
    const entries = [...VECTORS['all that a ware holds']!.entries, { name: './big', data: 'x'.repeat(3000) }];
    const opened = await openPacked(writeTar(folder, 'a.tar', entries), 'tar', { cache: false });
    await packWare(opened, { type: 'zip', filters: LOSSLESS, target: `file://${folder}/a.zip` });
    opened.close();
    const whole = readFileSync(join(folder, 'a.zip'));
    const path = join(folder, 'b.zip');
    const next = random(20100101);
    const before = openFiles();
    let refused = 0;
    for (let i = 0; i < 400; i++) {
      writeFileSync(path, damaged(whole, next));
      const failure: unknown = await wareAt(path, 'zip').then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) continue;
      refused++;
      expect(failure).toBeInstanceOf(ImageError);
      expect((failure as ImageError).message).not.toContain('\n');
    }
    expect(refused).toBeGreaterThan(200);
    expect(openFiles()).toBeLessThanOrEqual(before);
  });
});

describe('formulas that were damaged', () => {
  const TEXT = JSON.stringify({
    formula: {
      inputs: { '/': 'tar:x', '/a': 'mount:ro:/a' },
      action: { exec: ['/bin/sh', '-c', 'x'], env: { A: 'b' }, userinfo: { uid: 1 }, cwd: '/task', cradle: 'disable' },
      outputs: { '/out': { packtype: 'tar', filters: { uid: 'keep', mtime: '@5' } } },
    },
    context: { fetchUrls: { '/': ['file://x'] }, saveUrls: { '/out': 'file://y' } },
  });
  const WORDS = ['null', '[]', '{}', '-1', '1e999', '"__proto__"', '"\\ud800"', ',', '}', ']', '"', ':', 'true'];

  it('are read as something, or refused', () => {
    const next = random(42);
    let refused = 0;
    for (let i = 0; i < 3000; i++) {
      let text = TEXT;
      for (let change = next(3); change >= 0; change--) {
        const at = next(text.length);
        text = text.slice(0, at) + WORDS[next(WORDS.length)]! + text.slice(at + next(12));
      }
      try {
        parseFormula(Buffer.from(text), 'x', () => undefined);
      } catch (error) {
        refused++;
        if (!(error instanceof ImageError)) throw error;
      }
    }
    expect(refused).toBeGreaterThan(2000);
  });
});
