import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../../src/core/bytes.ts';
import { crc32 } from '../../../src/core/crc32.ts';

describe('crc32', () => {
  it('has the check value of the catalogue of CRCs', () => {
    expect(crc32(bytesOf('123456789'))).toBe(0xcbf43926);
  });

  it('is 0 of nothing', () => {
    expect(crc32(new Uint8Array())).toBe(0);
  });

  it('is what gzip ends with', () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * i) % 251);
    expect(crc32(bytes)).toBe(zlib.gzipSync(bytes).readUInt32LE(zlib.gzipSync(bytes).length - 8));
  });
});
