import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { statusOfRio } from '../../src/cli/rio-status.ts';
import { ImageError } from '../../src/core/errors.ts';
import { formulaId } from '../../src/core/formula/formula-id.ts';
import { parseFormula } from '../../src/core/formula/parse-formula.ts';
import { withoutTrailingCommas } from '../../src/core/formula/tolerant-json.ts';
import { LOSSLESS } from '../../src/core/ware/filters.ts';
import type { PackType } from '../../src/core/ware/ware-id.ts';
import { packWare } from '../../src/pack-ware.ts';
import { openPacked } from '../../src/sources/ware/open-fileset.ts';
import { sha384 } from '../../src/sources/ware/fileset.ts';
import { random } from '../helpers/random.ts';
import { scratch } from '../helpers/scratch.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { VECTORS, wareAt, writeTar } from '../helpers/wares.ts';

const openFiles = (): number => readdirSync('/proc/self/fd').length;

type Next = (below: number) => number;

/** Bytes with some of them changed, cut off or moved. */
function damaged(bytes: Uint8Array, next: Next): Uint8Array {
  const copy = Buffer.from(bytes);
  for (let i = next(8); i >= 0; i--) copy[next(copy.length)] = [0, 0xff, next(256), copy[next(copy.length)]!][next(4)]!;
  if (next(4) === 0) return copy.subarray(0, next(copy.length));
  if (next(4) === 0) return Buffer.concat([copy.subarray(next(copy.length)), copy]);
  return copy;
}

/** What becomes of packed wares that are damaged, each at bytes from `start` of the whole on: how many were refused. */
async function refusedOf(whole: Uint8Array, type: PackType, next: Next, start = 0): Promise<number> {
  const path = join(scratch(), 'damaged');
  const before = openFiles();
  let refused = 0;
  for (let i = 0; i < 400; i++) {
    writeFileSync(path, Buffer.concat([whole.subarray(0, start), damaged(whole.subarray(start), next)]));
    const failure: unknown = await wareAt(path, type).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) continue;
    refused++;
    expect(failure).toBeInstanceOf(ImageError);
    expect((failure as ImageError).message).not.toContain('\n');
    // Corrupt, or something that no ware of its type may hold.
    expect([6, 11]).toContain(statusOfRio(failure));
  }
  expect(openFiles()).toBeLessThanOrEqual(before);
  return refused;
}

const ENTRIES = [...VECTORS['all that a ware holds']!.entries, { name: './big', data: 'x'.repeat(3000) }];

async function packedZip(): Promise<Uint8Array> {
  const folder = scratch();
  const opened = await openPacked(writeTar(folder, 'a.tar', ENTRIES), 'tar', { cache: false });
  await packWare(opened, { type: 'zip', filters: LOSSLESS, target: `file://${folder}/a.zip` });
  opened.close();
  return readFileSync(join(folder, 'a.zip'));
}

describe('wares that were damaged', () => {
  it('are read as something, or refused in one line, and leave no file open', { timeout: 60_000 }, async () => {
    const next = random(20100101);
    expect(await refusedOf(await packedZip(), 'zip', next)).toBeGreaterThan(200);
    expect(await refusedOf(makeTar(ENTRIES), 'tar', next)).toBeGreaterThan(100);
    expect(await refusedOf(gzipSync(makeTar(ENTRIES)), 'tar', next)).toBeGreaterThan(300);
  });

  it('may have a central directory that lies', { timeout: 60_000 }, async () => {
    const zip = await packedZip();
    const start = Buffer.from(zip).indexOf('PK\x01\x02', 0, 'latin1');
    expect(await refusedOf(zip, 'zip', random(7), start)).toBeGreaterThan(200);
  });
});

describe('commas behind the last', () => {
  /** JSON with commas behind last members and elements, and white space, some of the time. */
  function written(value: fc.JsonValue, next: Next): string {
    const space = (): string => [' ', '\n\t', '', ''][next(4)]!;
    const around = (open: string, parts: readonly string[], close: string): string => {
      const comma = parts.length > 0 && next(2) === 0 ? `${space()},` : '';
      return `${open}${space()}${parts.join(`${space()},${space()}`)}${comma}${space()}${close}`;
    };
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    if (Array.isArray(value))
      return around(
        '[',
        value.map((each) => written(each as fc.JsonValue, next)),
        ']',
      );
    const members = Object.entries(value as Record<string, fc.JsonValue>);
    return around(
      '{',
      members.map(([key, each]) => `${JSON.stringify(key)}:${written(each, next)}`),
      '}',
    );
  }

  it('change nothing of what is read', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 2 ** 31 - 1 }), (value, seed) => {
        const text = withoutTrailingCommas(written(value, random(seed)));
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('formulas that were damaged', () => {
  const REPEATR = JSON.stringify({
    formula: {
      inputs: { '/': 'tar:x', '/a': 'mount:ro:/a' },
      action: { exec: ['/bin/sh', '-c', 'x'], env: { A: 'b' }, userinfo: { uid: 1 }, cwd: '/task', cradle: 'disable' },
      outputs: { '/out': { packtype: 'tar', filters: { uid: 'keep', mtime: '@5' } } },
    },
    context: { fetchUrls: { '/': ['file://x'] }, saveUrls: { '/out': 'file://y' } },
  });
  const WARPFORGE = JSON.stringify({
    formula: {
      'formula.v1': {
        inputs: { '/': 'ware:tar:x', '/a': { basis: 'ware:zip:y', filters: { uid: 'keep' } }, $A: 'literal:b' },
        action: { script: { interpreter: '/bin/sh', contents: ['a', 'b'], network: true } },
        outputs: { made: { from: '/out', packtype: 'tar', filters: { mtime: '@5' } } },
      },
    },
    context: { 'context.v1': { warehouses: { 'tar:x': 'file://x' } } },
  });
  const WORDS = ['null', '[]', '{}', '-1', '1e999', '"__proto__"', '"\\ud800"', ',', '}', ']', '"', ':', 'true'];

  it.each([
    ["Repeatr's", REPEATR],
    ["Warpforge's", WARPFORGE],
  ])('are read as something, or refused: %s form', (_, whole) => {
    const next = random(42);
    let refused = 0;
    for (let i = 0; i < 3000; i++) {
      let text = whole;
      for (let change = next(3); change >= 0; change--) {
        const at = next(text.length);
        text = text.slice(0, at) + WORDS[next(WORDS.length)]! + text.slice(at + next(12));
      }
      try {
        formulaId(parseFormula(Buffer.from(text), 'x', () => undefined).formula, sha384());
      } catch (error) {
        refused++;
        if (!(error instanceof ImageError) || error.message.includes('\n')) throw error;
      }
    }
    expect(refused).toBeGreaterThan(2000);
  });
});
