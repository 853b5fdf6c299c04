import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldCase } from '../../../../src/core/fat/long-names.ts';
import { shortNameChecksum, shortNames } from '../../../../src/core/fat/short-names.ts';

const ascii = new TextDecoder('latin1');

/** The short names of long ones, and after a colon what says that no long name is needed. */
function shorten(...names: string[]): string[] {
  const { bytes, isWhole } = shortNames(names);
  return names.map((_, i) => `${ascii.decode(bytes.subarray(11 * i, 11 * i + 11))}:${isWhole[i]}`);
}

describe('shortNames', () => {
  it.each([
    ['README.TXT', 'README  TXT:1'],
    ['readme.txt', 'README  TXT:0'],
    ['MAKEFILE', 'MAKEFILE   :1'],
    ['grubx64.efi', 'GRUBX64 EFI:0'],
    ['BOOTX64.EFI', 'BOOTX64 EFI:1'],
    ['longer-than-eight', 'LONGER~1   :0'],
    ['config.json', 'CONFIG~1JSO:0'],
    ['.profile', 'PROFIL~1   :0'],
    ['a.b.c', 'AB~1    C  :0'],
    ['a b', 'AB~1       :0'],
    ['a+b=c.[d]', 'A_B_C~1 _D_:0'],
    ['größe.txt', 'GR__E~1 TXT:0'],
    ['😀', '_~1        :0'],
    ['. .x', '~1      X  :0'],
    ['...x', 'X~1        :0'],
  ])('has for %s', (name, expected) => {
    expect(shorten(name)).toEqual([expected]);
  });

  it('counts names that would be the same', () => {
    const names = Array.from({ length: 12 }, (_, i) => `long name ${i}.txt`);
    const short = shorten(...names).map((name) => name.slice(0, 8));
    expect(short.slice(0, 3)).toEqual(['LONGNA~1', 'LONGNA~2', 'LONGNA~3']);
    expect(short.slice(8)).toEqual(['LONGNA~9', 'LONGN~10', 'LONGN~11', 'LONGN~12']);
  });

  it('leaves a name that has the form of a short one what it is, wherever it stands', () => {
    expect(shorten('a long name', 'ALONGN~1', 'alongn~2', 'ALONGNAME')).toEqual([
      'ALONGN~3   :0',
      'ALONGN~1   :1',
      'ALONGN~2   :0',
      'ALONGN~4   :0',
    ]);
  });

  it('gives every name one of its own', () => {
    const character = fc.constantFrom(...'aAbB~1 .+é'.split(''));
    const name = fc.string({ unit: character, minLength: 1, maxLength: 14 }).filter((text) => !/[. ]$/.test(text));
    fc.assert(
      fc.property(fc.uniqueArray(name, { selector: foldCase, maxLength: 60 }), (names) => {
        const short = shorten(...names).map((text) => text.slice(0, 11));
        expect(new Set(short).size).toBe(names.length);
        expect(
          short.filter((text) => !/^[A-Z0-9$%'\-_@~`!(){}^#&]{1,8} {0,7}[A-Z0-9_~]{0,3} {0,3}$/.test(text)),
        ).toEqual([]);
      }),
    );
  });

  it('takes no longer for many names that begin alike', () => {
    const names = Array.from({ length: 30_000 }, (_, i) => `the-same-beginning-${i}`);
    expect(new Set(shorten(...names)).size).toBe(30_000);
  });
});

it('the checksum of a short name is that of the specification', () => {
  const name = new TextEncoder().encode('  README  TXT');
  expect(shortNameChecksum(name, 2)).toBe(0x73);
});
