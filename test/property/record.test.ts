import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageError } from '../../src/core/errors.ts';
import { decodeRecord, encodeRecord } from '../../src/core/ext4/record.ts';
import { FORMAT_VERSION } from '../../src/core/ext4/options.ts';
import { recordOptions } from '../../src/core/ext4/recorded-options.ts';
import { type ImageOptions, toPlanOptions } from '../../src/image/options.ts';
import { readImageRecord } from '../../src/image/read-record.ts';
import { put } from '../helpers/make-tree.ts';
import { plainBytes } from '../helpers/memory-plan.ts';
import { planLayers } from '../helpers/plan-tree.ts';

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const id = fc.integer({ min: 0, max: 2 ** 32 - 2 });
const size = fc.nat().map((blocks) => (blocks + 1) * 4096);
const percent = fc.double({ min: 0, max: 1e6, noNaN: true, noDefaultInfinity: true }).map((x) => Math.abs(x));

const imageOptions: fc.Arbitrary<ImageOptions> = fc.record({
  blockSize: fc.constantFrom(1024, 2048, 4096),
  size: maybe(size),
  free: fc.oneof(fc.maxSafeNat(), fc.record({ percent })),
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

function rethrow(error: unknown): never {
  throw error;
}

describe('a record', () => {
  it('is what is read of it', () => {
    fc.assert(
      fc.property(imageOptions, fc.uint8Array({ minLength: 32, maxLength: 32 }), (options, digest) => {
        const record = {
          formatVersion: FORMAT_VERSION,
          options: recordOptions(toPlanOptions(options)),
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

describe('an image whose metadata is damaged', () => {
  const plan = planLayers([[put('a', 0)]], { blockSize: 1024 });
  const bytes = plainBytes(plan, []);
  const inode = plan.geometry.inodeTables * 1024 + 4 * 256;
  /** The fields that lead to the record: of the superblock, the first descriptor, the inode with its extents, the first line. */
  const places = [
    ...[0x14, 0x18, 0x38, 0x58].map((field) => 1024 + field),
    2048 + 8,
    ...Array.from({ length: 0x28 + 60 }, (_, i) => inode + i),
    ...Array.from({ length: 40 }, (_, i) => plan.geometry.record * 1024 + i),
  ];

  it('has a record, has none, or a damaged one; nothing else is read or thrown', async () => {
    const change = fc.tuple(fc.constantFrom(...places), fc.nat(3), fc.constantFrom(0, 1, 4, 0x7f, 0x80, 0xff));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const damaged = bytes.slice();
        for (const [place, more, value] of changes) damaged[place + more] = value;
        const image = {
          size: damaged.length,
          readAsync: async (offset: number, target: Uint8Array): Promise<void> => {
            expect(offset + target.length).toBeLessThanOrEqual(damaged.length);
            expect(target.length).toBeLessThanOrEqual(64 * 1024);
            target.set(damaged.subarray(offset, offset + target.length));
          },
        };
        const record = await readImageRecord(image).catch((error: unknown) => unlessInvalid(() => rethrow(error)));
        expect(record ?? plan.record).toEqual(plan.record);
      }),
      { numRuns: 1000 },
    );
  });
});
