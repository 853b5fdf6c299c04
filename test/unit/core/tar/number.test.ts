import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../../../src/core/bytes.ts';
import { decimalNumber, headerNumber, paxTime } from '../../../../src/core/tar/number.ts';
import { putNumber } from '../../../helpers/tar-writer.ts';

const parse = (text: string): number | undefined => headerNumber(bytesOf(text), 0, text.length);

describe('headerNumber', () => {
  it.each([
    ['0000644\0', 0o644],
    ['0000644 ', 0o644],
    ['   644 \0', 0o644],
    ['\x00\x00\x00644\x00\x00', 0o644],
    ['77777777', 0o77777777],
    ['644\0junk', 0o644],
    ['        ', 0],
    ['\0\0\0\0\0\0\0\0', 0],
  ])('reads octal digits between blanks: %j', (text, value) => {
    expect(parse(text)).toBe(value);
  });

  it.each(['0000648\0', 'x000644\0', '644x    ', '-000644\0', '0x1ff\0\0\0', '4x\0\0\0\0'])('refuses %j', (text) => {
    expect(parse(text)).toBeUndefined();
  });

  it.each([0, 1, 255, 2 ** 32 - 2, 2 ** 53 - 1, -1, -256, -(2 ** 31) - 1, -(2 ** 53) + 1])(
    'reads base-256: %d',
    (value) => {
      const field = new Uint8Array(12);
      let rest = BigInt.asUintN(95, BigInt(value));
      for (let i = 11; i >= 0; i--, rest >>= 8n) field[i] = Number(rest & 0xffn);
      field[0] = (field[0] ?? 0) | 0x80;
      expect(headerNumber(field, 0, 12)).toBe(value);
    },
  );

  it('agrees with the writer on negative numbers', () => {
    const field = new Uint8Array(12);
    putNumber(field, 0, 12, -2, true);
    expect(headerNumber(field, 0, 12)).toBe(-2);
  });

  it('refuses base-256 beyond 2^53 - 1', () => {
    const field = new Uint8Array(12);
    field.set([0x80], 0);
    field.set([0x20], 5);
    expect(headerNumber(field, 0, 12)).toBeUndefined();
    field.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xdf], 0);
    expect(headerNumber(field, 0, 12)).toBeUndefined();
  });

  it('stays inside its field', () => {
    expect(headerNumber(bytesOf('12345670777'), 0, 8)).toBe(0o12345670);
    expect(headerNumber(bytesOf('777123 777'), 3, 4)).toBe(0o123);
  });
});

describe('decimalNumber', () => {
  it.each([
    ['0', 0],
    ['-0', 0],
    ['007', 7],
    ['-12', -12],
    ['9007199254740991', 2 ** 53 - 1],
  ])('reads %j', (text, value) => {
    expect(decimalNumber(text)).toBe(value);
  });

  it.each(['', '-', '+1', ' 1', '1 ', '1.0', '1e3', '0x1', '9007199254740992', '1\0'])('refuses %j', (text) => {
    expect(decimalNumber(text)).toBeUndefined();
  });
});

describe('paxTime', () => {
  it.each([
    ['0', 0, 0],
    ['12', 12, 0],
    ['12.', 12, 0],
    ['1.5', 1, 500_000_000],
    ['1.000000001', 1, 1],
    ['1.0000000019', 1, 1],
    ['-1', -1, 0],
    ['-1.5', -2, 500_000_000],
    ['-0.5', -1, 500_000_000],
    ['-0.000000001', -1, 999_999_999],
    ['-1.0000000001', -2, 999_999_999],
    ['-1.9999999999', -2, 0],
    ['-0', 0, 0],
    ['-0.0', 0, 0],
    ['15032385536.25', 15_032_385_536, 250_000_000],
  ])('reads %j', (text, seconds, nanoseconds) => {
    expect(paxTime(text)).toEqual({ seconds, nanoseconds });
  });

  it.each(['', '.5', '-.5', '1.-5', '1.5.5', '1.0000000000x', '1,5', '1e3', '1.+5', 'now'])('refuses %j', (text) => {
    expect(paxTime(text)).toBeUndefined();
  });
});
