import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareFile } from '../../../src/sinks/compare.ts';
import { hashImage } from '../../../src/sinks/digest.ts';
import { bytesOfFake, FakeImage } from '../../helpers/fake-image.ts';
import { scratch } from '../../helpers/scratch.ts';

const MIB = 2 ** 20;
const image = new FakeImage(5 * MIB + 10, [{ start: 2 * MIB, end: 4 * MIB }]);
const content = bytesOfFake(image);

function fileOf(change: (bytes: Uint8Array) => Uint8Array | void = () => undefined): string {
  const path = join(scratch(), 'file');
  const bytes = content.slice();
  writeFileSync(path, change(bytes) ?? bytes);
  return path;
}

describe('compareFile', () => {
  it('gives the digest that both have', async () => {
    expect(await compareFile(image, fileOf())).toEqual({ sha256: await hashImage(image) });
  });

  it('names the first of the bytes that differ, in data and in holes', async () => {
    for (const offset of [0, 1, 4095, MIB, 2 * MIB, 3 * MIB + 17, 4 * MIB - 1, 4 * MIB, image.size - 1]) {
      const file = fileOf((bytes) => {
        bytes[offset]! ^= 0x10;
        bytes[image.size - 1]! ^= 0x01;
      });
      expect(await compareFile(image, file)).toEqual({ difference: { offset, label: `what lives at ${offset}` } });
    }
  });

  it('finds a file that ends early, also in a hole', async () => {
    for (const size of [0, 5, MIB, 3 * MIB, image.size - 1]) {
      const file = fileOf();
      truncateSync(file, size);
      expect(await compareFile(image, file)).toMatchObject({ difference: { offset: size } });
    }
  });

  it('finds a file that goes on', async () => {
    const file = fileOf();
    truncateSync(file, image.size + 1);
    const { size: offset } = image;
    expect(await compareFile(image, file)).toEqual({
      difference: { offset, label: 'the end of the image: the file is longer' },
    });
  });

  it('says what cannot be read', async () => {
    const folder = scratch();
    const read = async (path: string) => compareFile(image, path);
    await expect(read(join(folder, 'none'))).rejects.toThrow(`cannot read ${join(folder, 'none')}: no such file`);
    await expect(read(folder)).rejects.toMatchObject({ code: 'layer-not-found' });
  });
});
