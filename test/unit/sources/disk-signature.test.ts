import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLayers } from '../../../src/sources/open-layers.ts';
import { scratch } from '../../helpers/scratch.ts';

/** A file of 40 KiB with some bytes in it. */
function fileWith(bytes: string, offset: number): string {
  const path = join(scratch(), 'file');
  const content = Buffer.alloc(40 * 1024);
  content.write(bytes, offset, 'latin1');
  writeFileSync(path, content);
  return path;
}

describe('a file that is no tar', () => {
  it.each([
    [
      'ext4',
      '\x53\xef',
      1080,
      'it is the image of an ext2, ext3 or ext4 filesystem, of which blockloom export makes a tar',
    ],
    ['ISO 9660', 'CD001', 32_769, 'it is the image of an ISO 9660 filesystem'],
    ['a disk', '\x55\xaa', 510, 'it is the image of a disk'],
    ['qcow2', 'QFI\xfb', 0, 'it is a file of qcow2'],
    ['a .deb', '!<arch>\n', 0, 'it is a file of ar'],
    ['squashfs', 'hsqs', 0, 'it is a file of squashfs'],
    ['zip', 'PK\x03\x04', 0, 'it is a file of zip, expected a tar, plain or in gzip, zstd or xz; unpack it'],
    ['bzip2', 'BZh9', 0, 'it is a file of bzip2, expected a tar, plain or in gzip, zstd or xz; decompress it first'],
    ['a text', 'hello', 0, 'it is no tar that is known here'],
  ])('is named: %s', async (_, bytes, offset, what) => {
    const opening = openLayers([fileWith(bytes, offset)], { cache: false });
    await expect(opening).rejects.toMatchObject({ code: 'layer-unsupported', what: expect.stringContaining(what) });
  });

  it('may be a tar without entries all the same', async () => {
    const { layers } = await openLayers([fileWith('', 0)], { cache: false });
    expect(layers[0]!.index.count).toBe(0);
    layers[0]!.blob.close();
  });
});
