import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageError } from '../../src/core/errors.ts';
import type { LockedDisk, LockedPartition } from '../../src/core/lock/disk.ts';
import type { LockedContent, LockedEntry } from '../../src/core/lock/files.ts';
import { decodeLock, encodeLock, type Lock } from '../../src/core/lock/lock.ts';
import { unlockInputs } from '../../src/image/locked-image.ts';
import { lockFilesystem, lockOptions, unlockOptions } from '../../src/image/locked-options.ts';
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
const references = fc.array(reference, { maxLength: 4 });
const file = fc.record({ file: fc.string(), digest });
const base64 = fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('base64'));
const device = fc.tuple(fc.nat(4095), fc.nat(1_048_575));
const content: fc.Arbitrary<LockedContent> = fc.oneof(
  fc.record({ text: fc.string({ unit: 'binary' }) }),
  fc.record({ base64 }),
  file,
  fc.record({ symlink: fc.string({ minLength: 1 }) }),
  fc.record({ hardLink: fc.constant('/a') }),
  fc.record(
    { directory: fc.constant(true as const), opaque: fc.constant(true as const) },
    { requiredKeys: ['directory'] },
  ),
  fc.record({ characterDevice: device }),
  fc.record({ blockDevice: device }),
  fc.constantFrom({ fifo: true as const }, { remove: true as const }),
);
const attributes = fc.record(
  {
    mode: fc.constantFrom('0644', '7777'),
    owner: fc.constantFrom('0:0', '4294967294:1'),
    mtime: fc.integer(),
    xattrs: fc.dictionary(fc.constantFrom('user.a', 'security.b'), base64),
  },
  { requiredKeys: [] },
);
const entry = fc.tuple(content, attributes).map((parts): LockedEntry => Object.assign({}, ...parts) as LockedEntry);
const files = fc.dictionary(fc.stringMatching(/^\/[a-z_]{1,9}$/), entry, { maxKeys: 4, noNullPrototype: true });
const inline = fc.record({ reference: fc.constant('files'), files, layers: fc.array(layer, { maxLength: 1 }) });
const bootFile = fc.oneof(file, fc.record({ layers: fc.string() }));
const boot = fc.record(
  {
    kernel: bootFile,
    initrd: bootFile,
    efi: bootFile,
    release: fc.constant('6.1.0-9-cloud'),
    loader: fc.constantFrom('systemd-boot' as const, 'uki' as const),
    cmdline: fc.string(),
    timeout: fc.nat(),
  },
  { requiredKeys: ['kernel', 'efi', 'release', 'loader', 'timeout'] },
);
const partitionContent = fc.oneof(
  fc.record({ swap: fc.maxSafeNat() }),
  fc.record({ file: fc.string(), digest, size: fc.maxSafeNat() }, { requiredKeys: ['file', 'digest'] }),
  fc.record({ references, filesystem: openOptions.map(lockFilesystem) }),
  fc.record({ empty: fc.maxSafeNat() }),
);
const named = fc.record(
  { type: fc.constantFrom('swap' as const, 'var' as const), name: fc.string() },
  { requiredKeys: [] },
);
const partition = fc.tuple(partitionContent, named).map(([what, names]): LockedPartition => ({ ...what, ...names }));
const disk: fc.Arbitrary<LockedDisk> = fc.record(
  {
    table: fc.constantFrom('gpt', 'mbr'),
    architecture: fc.constantFrom('x86-64', 'arm64'),
    dax: fc.constant(true),
    esp: fc.record({ size: fc.maxSafeNat(), references: fc.array(inline, { maxLength: 2 }) }),
    boot,
    partitions: fc.array(partition, { maxLength: 4 }),
  },
  { requiredKeys: ['table', 'partitions'] },
);
const withoutDisk = {
  formatVersion: fc.integer({ min: 1, max: 1000 }),
  options: openOptions.map(lockOptions),
  references: fc.array(fc.oneof(reference, inline), { maxLength: 4 }),
  result: fc.record({
    tree: digest,
    uuid: fc.constantFrom(undefined, '1234-ABCD', '01234567-89ab-8def-8123-456789abcdef'),
    size: fc.maxSafeNat(),
    sha256: hex,
  }),
};
const lock: fc.Arbitrary<Lock> = fc.oneof(fc.record(withoutDisk), fc.record({ ...withoutDisk, disk }));

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
    const change = fc.tuple(
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.constantFrom(...Buffer.from('{}[],:"0-1eE.\\ u\0\xff', 'latin1')),
    );
    const damaged = fc
      .tuple(fc.record({ ...withoutDisk, disk }), fc.array(change, { minLength: 1, maxLength: 3 }))
      .map(([made, changes]) => {
        const bytes = new TextEncoder().encode(encodeLock(made));
        for (const [at, character] of changes) bytes[Math.floor(at * bytes.length)] = character;
        return bytes;
      });
    const sample = encodeLock(fc.sample(fc.record({ ...withoutDisk, disk }), { numRuns: 1, seed: 5 })[0]!);
    const values = fc.json().map((text) => new TextEncoder().encode(`{"blockloom-lock":1,"options":${text}}`));
    const disks = fc.json().map((text) => new TextEncoder().encode(sample.replace('"disk"', `"disk":${text},"x"`)));
    fc.assert(
      fc.property(fc.oneof(damaged, values, disks, fc.uint8Array()), (bytes) => {
        const message = refusal(() => {
          const read = decodeLock(bytes, 'lock');
          unlockOptions(read.options);
          unlockInputs(read);
        });
        expect(message).toMatch(/^\P{Cc}*$/u);
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
