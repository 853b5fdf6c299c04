import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { isImageFile, openImageFile } from '../../../src/image/file-image.ts';
import { bytesOfImage, planCase } from '../../helpers/image-case.ts';
import { scratch } from '../../helpers/scratch.ts';
import { makeTar } from '../../helpers/tar-writer.ts';

let folder: string;
beforeEach(() => {
  folder = scratch();
});

function file(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const tar = makeTar([{ name: 'a', data: Buffer.alloc(2000, Buffer.from([0x53, 0xef])) }]);

describe('the file of an image', () => {
  it('is told from layers by its signature', async () => {
    const { image } = await planCase([[{ name: 'a', data: 'a' }]]);
    expect(isImageFile(file('disk.img', bytesOfImage(image)))).toBe(true);
    const bootRecord = Buffer.alloc(512);
    bootRecord.writeUInt16LE(0xaa55, 510);
    expect(isImageFile(file('mbr', bootRecord))).toBe(true);
    // A tar whose content looks like a superblock.
    expect(isImageFile(file('a.tar', tar))).toBe(false);
    expect(isImageFile(file('a.tgz', gzipSync(tar)))).toBe(false);
    expect(isImageFile(file('empty', ''))).toBe(false);
    expect(isImageFile(file('zeros', Buffer.alloc(10_240)))).toBe(false);
    mkdirSync(join(folder, 'directory'));
    expect(isImageFile(join(folder, 'directory'))).toBe(false);
    expect(isImageFile(join(folder, 'missing'))).toBe(false);
  });

  it('is read as it is', async () => {
    const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => i * 7);
    const image = openImageFile(file('raw', bytes));
    expect(image.size).toBe(10_000);
    const [now, later] = [new Uint8Array(500), new Uint8Array(500)];
    image.read(9500, now);
    await image.readAsync(9500, later);
    expect(now).toEqual(bytes.subarray(9500));
    expect(later).toEqual(now);
    expect([...image.extents(0, 20_000)]).toEqual([{ offset: 0, length: 10_000, hole: false }]);
    expect(() => image.read(9501, now)).toThrow('became shorter');
    image.close();
  });

  it('is not read when it has changed', () => {
    const path = file('changed', Buffer.alloc(5000));
    const image = openImageFile(path).watched();
    appendFileSync(path, 'more');
    expect(() => image.read(0, new Uint8Array(1))).toThrow('the file changed after it was opened');
    image.close();
  });

  it('is missing in one line', () => {
    expect(() => openImageFile(join(folder, 'missing'))).toThrow(/missing: no such file or directory$/);
  });
});
