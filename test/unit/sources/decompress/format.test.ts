import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { formatOf } from '../../../../src/sources/decompress/format.ts';
import { makeTar } from '../../../helpers/tar-writer.ts';
import { zstdFrame, zstdSkippable } from '../../../helpers/zstd-writer.ts';

const head = (tar: Uint8Array): Uint8Array => tar.subarray(0, 512);

describe('formatOf', () => {
  it.each([
    ['empty', new Uint8Array(0)],
    ['tar', head(makeTar([{ name: 'a' }]))],
    ['tar', head(makeTar([{ name: '\xff\xff\xff', checksum: 'signed' }]))],
    ['tar', new Uint8Array(512)],
    ['gzip', gzipSync('x')],
    ['zstd', zstdFrame(new Uint8Array(1))],
    ['zstd', zstdSkippable(new Uint8Array(4), 0xf)],
    ['xz', Buffer.from('fd377a585a0000', 'hex')],
    ['bzip2', Buffer.from('BZh91AY')],
    ['lz4', Buffer.from('04224d18', 'hex')],
    ['zip', Buffer.from('PK\x03\x04')],
    ['unknown', Buffer.from('hello')],
    ['unknown', head(makeTar([{ name: 'a', damage: (header) => header.fill(0x62, 0, 1) }]))],
    ['unknown', new Uint8Array(511)],
  ])('tells %s', (format, bytes) => {
    expect(formatOf(bytes)).toBe(format);
  });

  it('takes a tar for a tar, whatever the name of its first entry looks like', () => {
    expect(formatOf(head(makeTar([{ name: 'BZh9' }])))).toBe('tar');
    expect(formatOf(head(makeTar([{ name: '\x1f\x8b\x08' }])))).toBe('tar');
  });
});
