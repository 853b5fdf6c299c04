import fc from 'fast-check';
import { describe, it, expect } from 'vitest';
import {
  decodeSolo5Manifest,
  encodeSolo5Manifest,
  type Solo5Device,
  Solo5Target,
} from '../../src/core/manifest/solo5.ts';
import { formatRumprunJson, parseRumprunJson, type RumprunValue } from '../../src/core/manifest/rumprun-json.ts';
import { readSolo5Notes } from '../../src/core/manifest/solo5-notes.ts';
import { makeUnikernel } from '../helpers/elf-writer.ts';
import { memoryDevice } from '../helpers/memory-device.ts';

const device: fc.Arbitrary<Solo5Device> = fc.record({
  name: fc.stringMatching(/^[A-Za-z0-9]{1,67}$/),
  type: fc.constantFrom('BLOCK_BASIC', 'NET_BASIC'),
});

const solo5 = fc.record({
  manifest: fc.record({ devices: fc.uniqueArray(device, { maxLength: 63, selector: ({ name }) => name }) }),
  target: fc.constantFrom(...(Object.keys(Solo5Target) as (keyof typeof Solo5Target)[])),
  abiVersion: fc.nat(2 ** 32 - 1),
});

describe('a manifest of Solo5', () => {
  it('is read from notes as it was written', () => {
    fc.assert(
      fc.property(solo5, (notes) => {
        expect(readSolo5Notes({ device: memoryDevice(makeUnikernel(notes)), name: 'k' })).toEqual(notes);
      }),
    );
  });

  it('is read from JSON as it was written', () => {
    fc.assert(
      fc.property(solo5, ({ manifest }) => {
        expect(decodeSolo5Manifest(Buffer.from(encodeSolo5Manifest(manifest)), 'm')).toEqual(manifest);
      }),
    );
  });
});

/** What stands between the quotes of a string. */
const raw = fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text.replace(/[\x7f-\x9f]/g, '')).slice(1, -1));

const { value: rumprunValue } = fc.letrec<{ value: RumprunValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    raw,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.record({ members: fc.array(fc.tuple(raw, tie('value')), { maxLength: 4 }) }),
  ),
}));
const members = fc.array(fc.tuple(raw, rumprunValue), { maxLength: 6 });

/** The same text with commas and spaces wherever there is a comma, a brace or a bracket outside of strings. */
const loosely = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"|[{}[\],]/gs, (token) => (token.startsWith('"') ? token : ` ${token}\n, `));

describe("Rumprun's JSON", () => {
  it('is read as it was written, strictly or with commas everywhere', () => {
    fc.assert(
      fc.property(members, (written) => {
        const text = formatRumprunJson({ members: written });
        for (const form of [text, loosely(text)]) {
          expect(parseRumprunJson(Buffer.from(form), 'a')).toEqual({ members: written });
        }
      }),
    );
  });

  it('is JSON, where no key comes again', () => {
    fc.assert(
      fc.property(members, (written) => {
        expect(() => JSON.parse(formatRumprunJson({ members: written }))).not.toThrow();
      }),
    );
  });
});
