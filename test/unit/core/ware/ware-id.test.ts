import { describe, expect, it } from 'vitest';
import { formatWareId, parseWareId } from '../../../../src/core/ware/ware-id.ts';

const HASH = '6q7G4hWr283FpTa5Lf8heVqw9t97b5VoMU6AGszuBYAz9EzQdeHVFAou7c4W9vFcQ6';

describe('a WareID', () => {
  it('is a pack type and a hash', () => {
    expect(parseWareId(`tar:${HASH}`)).toEqual({ type: 'tar', hash: HASH });
    expect(formatWareId(parseWareId(`zip:${HASH}`))).toBe(`zip:${HASH}`);
    expect(parseWareId('tar:-')).toEqual({ type: 'tar', hash: '-' });
  });

  it.each([
    '',
    'tar',
    ':',
    'tar:',
    `git:${HASH}`,
    HASH,
    `tar:${HASH}1`,
    `tar:0${HASH.slice(1)}`,
    'tar:abc',
    `tar:${HASH}\n`,
  ])('is not %j', (text) => {
    expect(() => parseWareId(text)).toThrow(/pack type|base 58/);
  });
});
