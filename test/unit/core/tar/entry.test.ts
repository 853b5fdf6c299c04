import { describe, expect, it } from 'vitest';
import { EntryType, type LayerEntry } from '../../../../src/core/layer/entry.ts';
import { readTarEveryWay, tarError } from '../../../helpers/tar-driver.ts';
import { makeTar, type PaxPair, putNumber, type TarEntry } from '../../../helpers/tar-writer.ts';

function only(entry: TarEntry): LayerEntry {
  const entries = readTarEveryWay(makeTar([entry]));
  expect(entries).toHaveLength(1);
  return entries[0] as LayerEntry;
}

/** Writes `text` over a number field. */
const put = (at: number, text: string) => (header: Uint8Array) => header.set(Buffer.from(text, 'latin1'), at);

describe('the type of an entry', () => {
  it.each([
    ['0', EntryType.file],
    ['\0', EntryType.file],
    ['7', EntryType.file],
    ['3', EntryType.characterDevice],
    ['4', EntryType.blockDevice],
    ['5', EntryType.directory],
    ['6', EntryType.fifo],
    ['D', EntryType.directory],
  ])('for the flag %j', (type, expected) => {
    expect(only({ name: 'a', type }).type).toBe(expected);
  });

  it('is a directory for a file of an old tar whose name ends in a slash', () => {
    for (const type of ['0', '\0'])
      expect(only({ name: 'a/', type })).toMatchObject({ type: EntryType.directory, path: 'a' });
    expect(only({ name: 'a/', type: '7' }).type).toBe(EntryType.file);
    expect(only({ name: 'a', type: '0', pax: [['path', 'b/']] })).toMatchObject({
      type: EntryType.directory,
      path: 'b',
    });
  });

  it.each(['M', 'N', 'A', 'Z', '8', 's', ' ', '\xff'])('is refused for the flag %j', (type) => {
    const error = tarError(makeTar([{ name: 'a' }, { name: 'b\xff', type }]), 2);
    expect(error).toMatchObject({ code: 'layer-unsupported', context: { layer: 2, path: 'b\\xff', offset: 512 } });
  });
});

describe('what has no body', () => {
  it.each(['1', '2', '3', '4', '5', '6'])(
    'of flag %s is followed by the next header, whatever its size says',
    (type) => {
      const tar = makeTar([
        { name: 'a', type, linkName: 'x', declaredSize: 5000 },
        { name: 'b', data: 'b' },
      ]);
      expect(readTarEveryWay(tar).map(({ path, size }) => [path, size])).toEqual([
        ['a', 0],
        ['b', 1],
      ]);
    },
  );

  it('is not what GNU tar keeps a list of names in', () => {
    const tar = makeTar([
      { name: 'a/', type: 'D', data: 'Yfile\0\0' },
      { name: 'b', data: 'b' },
    ]);
    expect(readTarEveryWay(tar)).toMatchObject([{ type: EntryType.directory, size: 0 }, { path: 'b' }]);
  });
});

describe('names', () => {
  it('are bytes, and normal', () => {
    expect(only({ name: '\xff'.repeat(100) }).path).toBe('\xff'.repeat(100));
    expect(only({ name: './/a/./b/../\xe9' }).path).toBe('a/\xe9');
    expect(only({ name: '/' })).toMatchObject({ path: '', type: EntryType.directory });
    expect(only({ name: './' })).toMatchObject({ path: '', type: EntryType.directory });
  });

  it('are refused when they are none', () => {
    expect(tarError(makeTar([{ name: '', pax: [['mtime', '1']] }])).code).toBe('name-invalid');
    expect(tarError(makeTar([{ name: '../a' }]))).toMatchObject({
      code: 'name-escapes-root',
      context: { path: '../a' },
    });
    expect(tarError(makeTar([{ name: 'a', pax: [['path', 'a\0b']] }]))).toMatchObject({
      code: 'name-invalid',
      context: { path: 'a\\x00b' },
    });
    expect(tarError(makeTar([{ name: `d/${'n'.repeat(256)}` }])).code).toBe('name-invalid');
    expect(only({ name: `d/${'n'.repeat(255)}` }).path).toHaveLength(257);
  });
});

describe('links', () => {
  it('keep a symlink verbatim', () => {
    for (const linkName of ['../../x//y/./', '/', '.', 'caf\xc3\xa9\xff', 'n'.repeat(4095)]) {
      expect(only({ name: 'a', type: 'symlink', linkName })).toMatchObject({
        type: EntryType.symlink,
        linkPath: linkName,
        size: 0,
      });
    }
  });

  it('have a normal hard link target', () => {
    expect(only({ name: 'a', type: 'hardlink', linkName: './b//c' })).toMatchObject({
      type: EntryType.hardLink,
      linkPath: 'b/c',
    });
  });

  it('are read for links alone', () => {
    expect(only({ name: 'a', linkName: 'b' }).linkPath).toBe('');
  });

  it.each([
    ['name-invalid', { type: 'hardlink', linkName: '' }],
    ['name-invalid', { type: 'symlink', linkName: '' }],
    ['name-invalid', { type: 'symlink', pax: [['linkpath', 'a\0b']] }],
    ['name-invalid', { type: 'hardlink', pax: [['linkpath', 'a\0b']] }],
    ['name-escapes-root', { type: 'hardlink', linkName: 'b/../../c' }],
    ['limit-exceeded', { type: 'symlink', linkName: 'n'.repeat(4096) }],
  ] as [string, Partial<TarEntry>][])('are refused with %s: %j', (code, link) => {
    const error = tarError(makeTar([{ name: 'l', ...link }]));
    expect(error).toMatchObject({ code, context: { layer: 0, path: 'l' } });
  });
});

describe('numbers', () => {
  it('come from the header', () => {
    const entry = { name: 'a', mode: 0o4755, uid: 1000, gid: 65534, mtime: 0o77777777777, data: 'abc' };
    expect(only({ ...entry, format: 'v7' })).toMatchObject({
      mode: 0o4755,
      uid: 1000,
      gid: 65534,
      mtimeSeconds: 0o77777777777,
      mtimeNanoseconds: 0,
      size: 3,
      dataOffset: 512,
      headerOffset: 0,
    });
  });

  it('lose the file type of a mode', () => {
    expect(only({ name: 'a', mode: 0o107644 }).mode).toBe(0o7644);
  });

  it('come in base-256', () => {
    const entry = { name: 'a', uid: 2 ** 32 - 2, gid: 2 ** 32 - 2, mtime: -1 };
    expect(only({ ...entry, format: 'gnu' })).toMatchObject({ uid: 2 ** 32 - 2, gid: 2 ** 32 - 2, mtimeSeconds: -1 });
  });

  it('come from PAX records', () => {
    const pax: PaxPair[] = [
      ['uid', '4294967294'],
      ['gid', '4294967293'],
      ['mtime', '-1.5'],
      ['size', '3'],
    ];
    expect(only({ name: 'a', data: 'abc', declaredSize: 0, pax })).toMatchObject({
      uid: 4294967294,
      gid: 4294967293,
      mtimeSeconds: -2,
      mtimeNanoseconds: 500_000_000,
      size: 3,
    });
  });

  it('are not looked for in the header when PAX has them', () => {
    expect(only({ name: 'a', pax: [['uid', '7']], edit: put(108, 'nobody\0\0') }).uid).toBe(7);
  });

  it.each([
    ['mode', 100],
    ['uid', 108],
    ['gid', 116],
    ['size', 124],
    ['mtime', 136],
  ])('are refused in the field %s when they are none', (field, at) => {
    const error = tarError(makeTar([{ name: 'first' }, { name: 'a', edit: put(at, '99x') }]));
    expect(error).toMatchObject({ code: 'layer-corrupt', context: { layer: 0, path: 'a', offset: 512 } });
    expect(error.message).toContain(`its ${field} field is not a number`);
  });

  it.each(['uid', 'gid', 'size', 'mtime'])('are refused in the PAX record %s when they are none', (keyword) => {
    const error = tarError(makeTar([{ name: 'a', pax: [[keyword, '12x']] }]));
    expect(error).toMatchObject({ code: 'layer-corrupt', context: { path: 'a', offset: 1024 } });
    expect(error.message).toContain(`PAX ${keyword}`);
  });

  it.each([
    ['limit-exceeded', 'uid', '4294967295'],
    ['limit-exceeded', 'gid', '4294967295'],
    ['limit-exceeded', 'uid', '-1'],
    ['limit-exceeded', 'size', String(2 ** 44 + 1)],
    ['layer-truncated', 'size', String(2 ** 44)],
    ['layer-corrupt', 'size', '-1'],
    ['layer-corrupt', 'size', '9007199254740992'],
  ])('are refused with %s for a PAX %s of %s', (code, keyword, value) => {
    const error = tarError(makeTar([{ name: 'a', pax: [[keyword, value]] }]));
    expect(error).toMatchObject({ code, context: { layer: 0, path: 'a', offset: 1024 } });
  });

  it.each([
    ['limit-exceeded', 108, 8, 2 ** 32 - 1],
    ['limit-exceeded', 116, 8, -1],
    ['limit-exceeded', 124, 12, 2 ** 44 + 1],
    ['layer-corrupt', 124, 12, -1],
    ['layer-corrupt', 124, 12, 2 ** 60],
  ])('are refused with %s in base-256 at %d', (code, at, length, value) => {
    const edit = (header: Uint8Array) => {
      header.fill(0, at, at + length);
      putNumber(header, at, length, value, true);
      header[at] = (header[at] ?? 0) | 0x80;
    };
    expect(tarError(makeTar([{ name: 'a', edit }])).code).toBe(code);
  });
});

describe('devices', () => {
  it('have numbers up to 12 and 20 bits', () => {
    const entry: TarEntry = { name: 'a', type: 'character', deviceMajor: 4095, deviceMinor: 1048575 };
    expect(only(entry)).toMatchObject({ deviceMajor: 4095, deviceMinor: 1048575 });
    expect(only({ ...entry, type: 'block' })).toMatchObject({ deviceMajor: 4095, deviceMinor: 1048575 });
  });

  it("have them from star's records", () => {
    const pax: PaxPair[] = [
      ['SCHILY.devmajor', '300'],
      ['SCHILY.devminor', '70000'],
    ];
    expect(only({ name: 'a', type: 'block', pax })).toMatchObject({ deviceMajor: 300, deviceMinor: 70000 });
  });

  it('have none in a v7 header, and nothing else has', () => {
    const edit = put(329, '0000005\x000000006\0');
    expect(only({ name: 'a', type: '3', format: 'v7', edit })).toMatchObject({ deviceMajor: 0, deviceMinor: 0 });
    expect(only({ name: 'a', edit })).toMatchObject({ deviceMajor: 0, deviceMinor: 0 });
    expect(only({ name: 'a', edit: put(329, 'no') }).deviceMajor).toBe(0);
  });

  it.each([
    ['limit-exceeded', { deviceMajor: 4096 }],
    ['limit-exceeded', { deviceMinor: 1048576 }],
    ['layer-corrupt', { edit: put(329, 'no') }],
    ['layer-corrupt', { edit: put(337, 'no') }],
    ['limit-exceeded', { pax: [['SCHILY.devmajor', '-1']] }],
    ['layer-corrupt', { pax: [['SCHILY.devminor', 'x']] }],
  ] as [string, Partial<TarEntry>][])('are refused with %s: %j', (code, more) => {
    expect(tarError(makeTar([{ name: 'a', type: 'character', ...more }])).code).toBe(code);
  });
});
