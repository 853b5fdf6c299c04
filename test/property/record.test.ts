import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageError } from '../../src/core/errors.ts';
import { decodeRecord, encodeRecord } from '../../src/core/ext4/record.ts';
import { FORMAT_VERSION } from '../../src/core/ext4/options.ts';
import { recordOptions } from '../../src/core/ext4/recorded-options.ts';
import { type ImageOptions, toExt4Options } from '../../src/image/options.ts';
import { planLayers } from '../helpers/plan-tree.ts';

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const id = fc.integer({ min: 0, max: 2 ** 32 - 2 });
const size = fc.nat().map((blocks) => (blocks + 1) * 4096);
const percent = fc.double({ min: 0, max: 1e6, noNaN: true, noDefaultInfinity: true }).map((x) => Math.abs(x));

const imageOptions: fc.Arbitrary<ImageOptions> = fc.record({
  blockSize: fc.constantFrom(1024, 2048, 4096),
  size: maybe(size),
  free: fc.oneof(fc.maxSafeNat(), fc.record({ percent })),
  fsverity: maybe(fc.array(fc.string({ unit: 'binary', maxLength: 8 }), { maxLength: 3 })),
  inodes: maybe(fc.integer({ min: 1, max: 2 ** 32 - 1 })),
  label: fc.string({ unit: 'binary', maxLength: 4 }),
  uuid: maybe(fc.uint8Array({ minLength: 16, maxLength: 16 })),
  mtime: fc.constantFrom('fixed', 'clamp', 'keep'),
  sourceDateEpoch: fc.integer({ min: -(2 ** 31), max: 2 ** 33 }),
  owner: maybe(fc.record({ uid: id, gid: id })),
  chmodMask: fc.integer({ min: 0, max: 0o7777 }),
  placement: fc.constantFrom('stable', 'compact'),
  symlinkedParents: fc.constantFrom('follow', 'replace', 'error'),
});

/** What `read` gives; undefined when it refuses its input as a record. */
function unlessInvalid<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ImageError && error.code === 'record-invalid') return undefined;
    throw error;
  }
}

describe('a record', () => {
  it('is what is read of it', () => {
    fc.assert(
      fc.property(imageOptions, fc.uint8Array({ minLength: 32, maxLength: 32 }), (options, digest) => {
        const record = {
          formatVersion: FORMAT_VERSION,
          options: recordOptions(toExt4Options(options)),
          tree: `sha256:${Buffer.from(digest).toString('hex')}`,
        };
        expect(decodeRecord(encodeRecord(record))).toEqual(record);
      }),
    );
  });

  it('of any bytes is refused, or is what they are', () => {
    const valid = encodeRecord(planLayers([]).record);
    const damaged = fc
      .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const bytes = valid.slice();
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        const read = unlessInvalid(() => decodeRecord(bytes));
        expect(read === undefined ? bytes : encodeRecord(read)).toEqual(bytes);
      }),
    );
  });
});
