import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratch } from '../../../helpers/scratch.ts';
import { wareAt, writeTar } from '../../../helpers/wares.ts';
import { makeZip, type ZipEntry } from '../../../helpers/zip-writer.ts';

const OWNER = { uid: 1000, gid: 1000, mtime: 1_262_304_000 };

async function wareOf(entries: readonly ZipEntry[]): Promise<string> {
  const path = join(scratch(), 'a.zip');
  writeFileSync(path, makeZip(entries));
  return wareAt(path, 'zip');
}

const failureOf = async (...entries: ZipEntry[]): Promise<unknown> => wareOf(entries).catch((error: unknown) => error);

describe('a zip', () => {
  it('is the fileset of the same tar', async () => {
    const data = 'x'.repeat(200_000);
    const zip = await wareOf([
      { name: 'deflated', data },
      { name: 'stored', data, isStored: true, mode: 0o100755 },
      { name: 'link', data: 'stored', mode: 0o120777 },
      { name: 'below/\xff' },
      { name: 'empty/', mode: 0o040700 },
    ]);
    const tar = writeTar(scratch(), 'a.tar', [
      { name: 'deflated', data, ...OWNER },
      { name: 'stored', data, mode: 0o755, ...OWNER },
      { name: 'below/\xff', ...OWNER },
      { name: 'empty/', mode: 0o700, ...OWNER },
    ]);
    expect(zip.slice(4)).toBe((await wareAt(tar)).slice(4));
  });

  it.each<readonly [string, readonly ZipEntry[]]>([
    ['entry a: checksum 0x7, computed 0x8cdc1683', [{ name: 'a', data: 'x', crc: 7 }]],
    ['zip: not enough bytes in the stream', [{ name: 'a', data: 'xyz', size: 5 }]],
    ['zip: too many bytes in the stream', [{ name: 'a', data: 'x'.repeat(100_000), size: 5 }]],
    ['zip: ', [{ name: 'a', data: 'xyz', isStored: true, size: 5 }]],
    ['entry a: it is encrypted', [{ name: 'a', flags: 1 }]],
    ['entry l: a symlink of 5000 bytes', [{ name: 'l', data: 'x'.repeat(5000), mode: 0o120777 }]],
    ['entry c: neither a file, a directory nor a symlink', [{ name: 'c', mode: 0o020600 }]],
    ['../a, header at 0x0: its .. leaves the root', [{ name: '../a' }]],
    ['the name comes twice', [{ name: 'a' }, { name: 'a' }]],
  ])('is refused: %s', async (message, entries) => {
    expect(await failureOf(...entries)).toMatchObject({ message: expect.stringContaining(message) });
  });

  it('does not make more than its own bytes can hold', async () => {
    const data = '\0'.repeat(2_000_000);
    const shared = Array.from({ length: 30 }, (_, i): ZipEntry => ({ name: `b${i}`, data, sharesWith: 0 }));
    expect(await failureOf({ name: 'a', data }, ...shared)).toMatchObject({
      code: 'ware-corrupt',
      message: expect.stringContaining('its entries are longer than the file'),
    });
  });

  it('leaves no file open when it is refused', async () => {
    const before = readdirSync('/proc/self/fd').length;
    for (let i = 0; i < 20; i++) await failureOf({ name: 'a', data: 'x', crc: i });
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
  });
});
