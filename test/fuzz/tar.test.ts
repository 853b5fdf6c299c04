import { describe, expect, it } from 'vitest';
import { ImageError } from '../../src/core/errors.ts';
import { readTarBytes } from '../helpers/tar-driver.ts';
import { makeTar, setChecksum } from '../helpers/tar-writer.ts';
import { random } from '../helpers/random.ts';

const SEED = 20100101;
const ROUNDS = 6000;

/** Every form, small. */
const TAR = makeTar([
  {
    name: 'global',
    type: 'paxGlobal',
    pax: [
      ['comment', 'c'],
      ['gid', '5'],
    ],
  },
  { name: 'etc/', mtime: 5 },
  { name: 'etc/hostname', data: 'loom\n', uid: 2 ** 31, mtime: '-1.5', xattrs: { 'user.a': 'b\0c\n' } },
  { name: 'acl', pax: [['SCHILY.acl.access', 'user::rw-,user:5:r--,group::r--,mask::r--,other::---']] },
  { name: 'base64', pax: [['LIBARCHIVE.xattr.user.b', 'AAEC']] },
  { name: `${'n'.repeat(150)}/x`, type: 'symlink', linkName: 'l'.repeat(120), format: 'gnu', mtime: -1 },
  { name: 'hard', type: 'hardlink', linkName: 'etc/hostname' },
  { name: 'dev', type: 'block', deviceMajor: 8, deviceMinor: 1 },
  ...(['gnu', '0.0', '0.1', '1.0'] as const).map((form) => ({
    name: form,
    data: 'abcdefgh',
    sparse: { form, size: 9000, segments: Array.from({ length: 8 }, (_, i) => ({ offset: 1000 * i, length: 1 })) },
  })),
]);

/** Whether the tar is readable; anything thrown that is no ImageError is a failure. */
function isReadable(tar: Uint8Array): boolean {
  try {
    readTarBytes(tar);
    return true;
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return false;
  }
}

describe('the tar reader', () => {
  it('reads the tar that is damaged below', () => {
    expect(readTarBytes(TAR)).toHaveLength(11);
  });

  it('refuses or reads it with a few bytes changed, headers kept plausible', () => {
    const next = random(SEED);
    const outcomes = { readable: 0, refused: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const tar = TAR.slice();
      for (let change = next(4); change >= 0; change--) {
        const at = next(tar.length);
        // Digits and blanks get further than random bytes, and so do right checksums.
        tar[at] = next(2) === 0 ? next(256) : ' 0123456789=,\n\0xgLKS'.charCodeAt(next(20));
        const block = at - (at % 512);
        if (TAR[block + 257] === 0x75 && next(4) > 0) setChecksum(tar.subarray(block, block + 512));
      }
      if (isReadable(tar)) outcomes.readable++;
      else outcomes.refused++;
    }
    expect(outcomes.readable).toBeGreaterThan(ROUNDS / 20);
    expect(outcomes.refused).toBeGreaterThan(ROUNDS / 20);
  });

  it('refuses or reads it cut at every byte', () => {
    const readable = Array.from({ length: TAR.length }, (_, i) => i).filter((length) =>
      isReadable(TAR.subarray(0, length)),
    );
    expect(readable.every((length) => length % 512 === 0)).toBe(true);
    expect(readable.length).toBeGreaterThan(10);
  });

  it('refuses or reads its blocks in any order', () => {
    const next = random(SEED + 1);
    for (let round = 0; round < 500; round++) {
      const tar = TAR.slice();
      for (let swap = next(5); swap >= 0; swap--) {
        const [from, to] = [512 * next(tar.length / 512), 512 * next(tar.length / 512)];
        tar.copyWithin(to, from, from + 512);
      }
      isReadable(tar);
    }
    expect(isReadable(TAR)).toBe(true);
  });
});
