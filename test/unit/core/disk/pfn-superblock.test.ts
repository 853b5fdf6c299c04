import { describe, expect, it } from 'vitest';
import { makePfnSuperblock } from '../../../../src/core/disk/pfn-superblock.ts';
import { hexOf } from '../../../../src/core/bytes.ts';

const MiB = 1 << 20;

/** Fletcher's sums with big integers, over everything but the checksum itself. */
function checksum(block: Uint8Array): bigint {
  const view = new DataView(block.buffer);
  let low = 0n;
  let high = 0n;
  for (let word = 0; word < 1024; word++) {
    low = (low + BigInt(word < 1022 ? view.getUint32(4 * word, true) : 0)) & 0xffff_ffffn;
    high += low;
  }
  return BigInt.asUintN(64, (high << 32n) | low);
}

describe('makePfnSuperblock', () => {
  const block = makePfnSuperblock(2 * MiB, 2 * MiB);

  it('has the fields of struct nd_pfn_sb at their offsets', () => {
    expect(block.length).toBe(4096);
    expect(hexOf(block.subarray(0, 0x58))).toBe(
      [
        '4e5644494d4d5f50464e5f494e464f00', // signature
        '00'.repeat(16), // uuid
        '00'.repeat(16), // parent_uuid
        '00000000', // flags
        '0000', // version_major
        '0200', // version_minor
        '0000200000000000', // dataoff
        '0000000000000000', // npfns
        '01000000', // mode
        '00000000', // start_pad
        '00000000', // end_trunc
        '00002000', // align
      ].join(''),
    );
    expect(block.subarray(0x58, 0xff8).every((byte) => byte === 0)).toBe(true);
  });

  it('ends with its checksum', () => {
    expect(new DataView(block.buffer).getBigUint64(0xff8, true)).toBe(checksum(block));
    expect(hexOf(block.subarray(0xff8))).toBe('303894e32b035b68');
  });

  it('takes offsets beyond 32 bits', () => {
    const far = makePfnSuperblock(2 ** 32 + 2 * MiB, 2 * MiB);
    const view = new DataView(far.buffer);
    expect(view.getBigUint64(0x38, true)).toBe(0x1_0020_0000n);
    expect(view.getBigUint64(0xff8, true)).toBe(checksum(far));
  });
});
