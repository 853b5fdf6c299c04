import { describe, expect, it } from 'vitest';
import { kernelRelease } from '../../../../src/core/guest/kernel-release.ts';

function bzImage(version: string): Buffer {
  const kernel = Buffer.alloc(0x600);
  kernel.write('HdrS', 0x202);
  kernel.writeUInt16LE(0x300, 0x20e);
  kernel.write(version, 0x500);
  return kernel;
}

describe('the release of a kernel', () => {
  it('is in the header of a bzImage', () => {
    expect(kernelRelease(bzImage('6.1.0-50-cloud-amd64 (builder@host) SMP'))).toBe('6.1.0-50-cloud-amd64');
    expect(kernelRelease(bzImage('6.1\0'))).toBe('6.1');
  });

  it('is in the banner of a kernel that is not compressed', () => {
    expect(kernelRelease(Buffer.from('…Linux Linux version 6.12.3+ (x) SMP'))).toBe('6.12.3+');
  });

  it('is not told by other files', () => {
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.alloc(0x204, 'x'),
      bzImage('../../x (y)'),
      Buffer.from('Linux version'),
    ])
      expect(kernelRelease(bytes)).toBeUndefined();
  });
});
