import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES, headerForm, headerName, isZeroBlock, verifyChecksum } from '../../../../src/core/tar/header.ts';
import { TarPlace } from '../../../../src/core/tar/place.ts';
import { makeTarEntry, setChecksum, type TarEntry } from '../../../helpers/tar-writer.ts';

const header = (entry: TarEntry): Uint8Array => makeTarEntry(entry).subarray(0, BLOCK_BYTES);
const long = `${'d'.repeat(150)}/${'f'.repeat(90)}`;

describe('headerName', () => {
  it('joins the prefix of ustar', () => {
    const block = header({ name: long, format: 'ustar' });
    expect([headerForm(block), headerName(block, 'ustar')]).toEqual(['ustar', long]);
  });

  it('has no prefix in the forms that keep other things there', () => {
    const fill = (block: Uint8Array) => block.fill(0x31, 345, 360);
    for (const format of ['v7', 'gnu'] as const) {
      const block = header({ name: 'a', format, edit: fill });
      expect([headerForm(block), headerName(block, headerForm(block))]).toEqual([format, 'a']);
    }
  });

  it('knows the shorter prefix of star, with times behind it', () => {
    const edit = (block: Uint8Array): void => {
      block.fill(0x64, 345, 345 + 131);
      block.fill(0x37, 476, 500);
      block.set([0x74, 0x61, 0x72, 0], 508);
    };
    expect(headerName(header({ name: 'a', format: 'ustar', edit }), 'ustar')).toBe(`${'d'.repeat(131)}/a`);
  });

  it('uses all bytes of a name field without a NUL', () => {
    const block = header({ name: 'n'.repeat(100), format: 'v7' });
    expect(headerName(block, 'v7')).toBe('n'.repeat(100));
  });
});

describe('verifyChecksum', () => {
  const place = (): TarPlace => new TarPlace(0);

  it('accepts the sum of unsigned and of signed bytes', () => {
    for (const checksum of ['unsigned', 'signed'] as const) {
      const block = header({ name: 'caf\xe9\xff', format: 'v7', checksum });
      expect(() => verifyChecksum(block, place())).not.toThrow();
    }
  });

  it('sums blocks of the highest bytes', () => {
    const block = new Uint8Array(BLOCK_BYTES).fill(0xff);
    setChecksum(block);
    expect(() => verifyChecksum(block, place())).not.toThrow();
  });

  it('sees a change of any byte', () => {
    for (let at = 0; at < BLOCK_BYTES; at++) {
      const block = header({ name: 'a' });
      block[at] = (block[at] ?? 0) ^ 0x04;
      // The blank behind the checksum's digits is the one byte that has no meaning.
      if (at === 155) continue;
      expect(() => verifyChecksum(block, place()), `byte ${at}`).toThrow(/checksum/);
    }
  });

  it('says what was found and what was expected', () => {
    const block = header({ name: 'a', damage: (bytes) => bytes.set([0x62]) });
    expect(() => verifyChecksum(block, place())).toThrow(
      /^layer 0, entry b, header at 0x0: checksum 0x[0-9a-f]+, computed 0x[0-9a-f]+$/,
    );
  });
});

describe('isZeroBlock', () => {
  it('looks at every byte', () => {
    const block = new Uint8Array(BLOCK_BYTES);
    expect(isZeroBlock(block)).toBe(true);
    block[511] = 1;
    expect(isZeroBlock(block)).toBe(false);
  });
});
