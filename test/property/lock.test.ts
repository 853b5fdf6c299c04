import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageError } from '../../src/core/errors.ts';
import { decodeLock, encodeLock, type Lock } from '../../src/core/lock.ts';
import { lockOptions, unlockOptions } from '../../src/image/locked-options.ts';
import type { OpenImageOptions } from '../../src/image/open-image.ts';

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const hex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const digest = hex.map((digits) => `sha256:${digits}`);
const id = fc.integer({ min: 0, max: 2 ** 32 - 2 });

const ext4Options: fc.Arbitrary<Omit<OpenImageOptions, 'layers'>> = fc.record({
  blockSize: fc.constantFrom(1024, 2048, 4096),
  size: maybe(fc.nat().map((blocks) => (blocks + 1) * 4096)),
  free: fc.oneof(fc.maxSafeNat(), fc.record({ percent: fc.double({ min: 1e-9, max: 1e6, noNaN: true }) })),
  inodes: maybe(fc.integer({ min: 1, max: 2 ** 32 - 1 })),
  label: fc.string({ unit: 'grapheme-ascii', maxLength: 16 }),
  uuid: maybe(fc.uint8Array({ minLength: 16, maxLength: 16 })),
  mtime: fc.oneof(fc.constantFrom('fixed' as const, 'clamp' as const, 'keep' as const), fc.integer()),
  sourceDateEpoch: maybe(fc.integer()),
  owner: maybe(fc.record({ uid: id, gid: id })),
  chmodMask: fc.integer({ min: 0, max: 0o7777 }),
  placement: fc.constantFrom('stable', 'compact'),
  symlinkedParents: fc.constantFrom('follow', 'replace', 'error'),
  embedInputs: fc.boolean(),
  keepPermissions: fc.boolean(),
});

const fatOptions: fc.Arbitrary<Omit<OpenImageOptions, 'layers'>> = fc.record({
  fs: fc.constant('vfat'),
  fatBits: fc.constantFrom(undefined, 12, 16, 32),
  fatCompat: fc.constantFrom(undefined, 'includeos'),
  size: maybe(fc.nat().map((sectors) => (sectors + 1) * 512)),
  free: fc.oneof(fc.maxSafeNat(), fc.record({ percent: fc.double({ min: 1e-9, max: 1e6, noNaN: true }) })),
  label: fc.string({ unit: fc.constantFrom('a', 'Z', '0', '-'), maxLength: 11 }),
  uuid: maybe(fc.uint8Array({ minLength: 4, maxLength: 4 })),
  mtime: fc.oneof(fc.constantFrom('fixed' as const, 'clamp' as const, 'keep' as const), fc.integer()),
  symlinkedParents: fc.constantFrom('follow', 'replace', 'error'),
  keepPermissions: fc.boolean(),
});

const tarOptions: fc.Arbitrary<Omit<OpenImageOptions, 'layers'>> = fc.record({
  fs: fc.constant('tar'),
  size: maybe(fc.nat().map((blocks) => (blocks + 1) * 512)),
  mtime: fc.oneof(fc.constantFrom('fixed' as const, 'clamp' as const, 'keep' as const), fc.nat()),
  owner: maybe(fc.record({ uid: id, gid: id })),
  chmodMask: fc.integer({ min: 0, max: 0o7777 }),
  veritySalt: maybe(fc.uint8Array({ maxLength: 8 })),
});

const openOptions = fc.oneof(ext4Options, fatOptions, tarOptions);

const layer = fc.oneof(
  fc.record({ diffId: digest }),
  fc.record({ blob: digest, diffId: digest }),
  fc.record({ contents: digest }),
);
const reference = fc.record(
  {
    reference: fc.string(),
    pinned: fc.string(),
    manifest: digest,
    platform: fc.string(),
    layers: fc.array(layer, { maxLength: 4 }),
  },
  { requiredKeys: ['reference', 'layers'] },
);
const lock: fc.Arbitrary<Lock> = fc.record({
  formatVersion: fc.integer({ min: 1, max: 1000 }),
  options: openOptions.map(lockOptions),
  references: fc.array(reference, { maxLength: 4 }),
  result: fc.record({
    tree: digest,
    uuid: fc.constantFrom(undefined, '1234-ABCD', '01234567-89ab-8def-8123-456789abcdef'),
    size: fc.maxSafeNat(),
    sha256: hex,
  }),
});

describe('a lock', () => {
  it('is what is read of it', () => {
    fc.assert(
      fc.property(lock, (made) => {
        const text = encodeLock(made);
        const read = decodeLock(new TextEncoder().encode(text), 'lock');
        expect(read).toEqual(made);
        expect(encodeLock(read)).toBe(text);
      }),
    );
  });

  it('gives its options back', () => {
    fc.assert(
      fc.property(openOptions, (options) => {
        const locked = lockOptions(options);
        expect(lockOptions(unlockOptions(locked))).toEqual(locked);
      }),
    );
  });

  it('of any bytes is refused with one line, or is a lock', () => {
    const sample = new TextEncoder().encode(encodeLock(fc.sample(lock, { numRuns: 1, seed: 5 })[0]!));
    const change = fc.tuple(
      fc.nat(sample.length - 1),
      fc.constantFrom(...Buffer.from('{}[],:"0-1eE.\\ u\0\xff', 'latin1')),
    );
    const damaged = fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
      const bytes = sample.slice();
      for (const [at, character] of changes) bytes[at] = character;
      return bytes;
    });
    const values = fc.json().map((text) => new TextEncoder().encode(`{"blockloom-lock":1,"options":${text}}`));
    fc.assert(
      fc.property(fc.oneof(damaged, values, fc.uint8Array()), (bytes) => {
        expect(refusal(() => void unlockOptions(decodeLock(bytes, 'lock').options))).toMatch(/^\P{Cc}*$/u);
      }),
      { numRuns: 1000 },
    );
  });
});

/** The message of a refusal; '' when there is none. */
function refusal(read: () => void): string {
  try {
    read();
    return '';
  } catch (error) {
    if (error instanceof ImageError && error.code === 'lock-invalid') return error.message;
    throw error;
  }
}
