import { describe, expect, it } from 'vitest';
import { CpioType, cpioArchive } from '../../../../src/core/cpio/newc.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const HEADER_DIGITS = 13 * 8;

describe('a cpio archive', () => {
  it('has a header of hexadecimal fields, the name and the data, each filled up to 4 bytes', () => {
    const archive = cpioArchive([{ path: 'init', mode: CpioType.file | 0o755, data: Buffer.from('#!x\n!') }]);
    const fields = [1, 0o100755, 0, 0, 1, 0, 5, 0, 0, 0, 0, 5, 0];
    const header = fields.map((value) => value.toString(16).padStart(8, '0')).join('');
    expect(text(archive.subarray(0, 124))).toBe(`070701${header}init\0\0#!x\n!\0\0\0`.slice(0, 124));
  });

  it('ends with the trailer, which is all that an empty one has', () => {
    expect(text(cpioArchive([]))).toMatch(new RegExp(`^070701[0-9a-f]{${HEADER_DIGITS}}TRAILER!!!\0{4}$`));
  });

  it('numbers inodes in order, and gives devices their numbers', () => {
    const console = { path: 'dev/console', mode: CpioType.character | 0o600, device: [5, 1] } as const;
    const archive = text(cpioArchive([{ path: 'dev', mode: CpioType.directory | 0o755 }, console]));
    const second = archive.slice(archive.indexOf('070701', 6));
    expect(second.slice(6, 14)).toBe('00000002');
    expect(second.slice(6 + 9 * 8, 6 + 11 * 8)).toBe('0000000500000001');
  });

  it.each(['', '/init', 'a\0b'])('refuses the name %j', (path) => {
    expect(() => cpioArchive([{ path, mode: 0 }])).toThrow('a cpio entry is named');
  });
});
