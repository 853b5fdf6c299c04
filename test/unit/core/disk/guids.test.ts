import { describe, expect, it } from 'vitest';
import { guidBytes, uuidOf, verityPartitionUuids } from '../../../../src/core/disk/guids.ts';
import { formatUuid, uuidBytes } from '../../../../src/core/ext4/uuid.ts';
import { sha256 } from '../../../../src/image/sha256.ts';

describe('guidBytes', () => {
  it('has the first three numbers little-endian, and leaves what it was given', () => {
    const uuid = Buffer.from(uuidBytes('00112233-4455-6677-8899-aabbccddeeff'));
    expect(Buffer.from(guidBytes(uuid)).toString('hex')).toBe('33221100554477668899aabbccddeeff');
    expect(formatUuid(uuid)).toBe('00112233-4455-6677-8899-aabbccddeeff');
  });
});

describe('uuidOf', () => {
  it('is a UUID of version 8 that follows from the text', () => {
    expect(formatUuid(uuidOf('a disk', sha256()))).toMatch(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-/);
    expect(uuidOf('a disk', sha256())).toEqual(uuidOf('a disk', sha256()));
    expect(uuidOf('a disk', sha256())).not.toEqual(uuidOf('another disk', sha256()));
  });
});

describe('verityPartitionUuids', () => {
  it('are the first and the last 128 bits of the root hash', () => {
    const rootHash = Uint8Array.from({ length: 32 }, (_, i) => i);
    const { data, tree } = verityPartitionUuids(rootHash);
    expect(formatUuid(data)).toBe('00010203-0405-0607-0809-0a0b0c0d0e0f');
    expect(formatUuid(tree)).toBe('10111213-1415-1617-1819-1a1b1c1d1e1f');
  });
});
