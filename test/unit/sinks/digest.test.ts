import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hashImage, imageHash } from '../../../src/sinks/digest.ts';
import { FsVerityHash } from '../../../src/sinks/fsverity.ts';
import { bytesOfFake, FakeImage } from '../../helpers/fake-image.ts';

const MIB = 2 ** 20;

describe('hashImage', () => {
  const image = new FakeImage(5 * MIB, [{ start: MIB, end: 3 * MIB }]);

  it('is the SHA-256 of all bytes', async () => {
    const expected = createHash('sha256').update(bytesOfFake(image)).digest('hex');
    expect(await hashImage(image)).toBe(expected);
    expect(await hashImage(image, 'sha256')).toBe(expected);
  });

  it('is the fs-verity digest of all bytes', async () => {
    const whole = new FsVerityHash();
    whole.update(bytesOfFake(image));
    expect(await hashImage(image, 'fsverity')).toBe(whole.digest());
  });

  it('fails when an input is no longer what it was', async () => {
    const changing = new FakeImage(4096);
    changing.onVerify = () => {
      throw new Error('changed');
    };
    await expect(hashImage(changing)).rejects.toThrow('changed');
  });
});

describe('imageHash', () => {
  it('takes zeros for bytes', () => {
    for (const length of [1, 4096, MIB, MIB + 1, 3 * MIB - 1]) {
      const hash = imageHash('sha256');
      hash.zeros(length);
      expect(hash.digest()).toBe(createHash('sha256').update(new Uint8Array(length)).digest('hex'));
    }
  });
});
