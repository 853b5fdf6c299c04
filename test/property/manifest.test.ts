import fc from 'fast-check';
import { describe, it, expect } from 'vitest';
import {
  decodeSolo5Manifest,
  encodeSolo5Manifest,
  type Solo5Device,
  Solo5Target,
} from '../../src/core/manifest/solo5.ts';
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
