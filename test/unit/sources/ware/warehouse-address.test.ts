import { describe, expect, it } from 'vitest';
import { isWarehouseAddress, parseWarehouse, placeOf } from '../../../../src/sources/ware/warehouse-address.ts';

const ID = { type: 'tar', hash: '6q7G4hWr283FpTa5Lf8heVqw9t97b5VoMU6AGszuBYAz9EzQdeHVFAou7c4W9vFcQ6' } as const;
const BELOW = `6q7/G4h/${ID.hash}`;

describe('the address of a warehouse', () => {
  it.each([
    ['file://./x.tgz', './x.tgz'],
    ['file:///abs/x%20y.tgz', '/abs/x y.tgz'],
    ['ca+file://./wares/', `./wares/${BELOW}`],
    ['ca+file:///', `/${BELOW}`],
    ['https://example.org/x.tgz?a=b', 'https://example.org/x.tgz?a=b'],
    ['ca+http://localhost:80/wares//', `http://localhost/wares/${BELOW}`],
    ['ca+https://example.org', `https://example.org/${BELOW}`],
  ])('%s has the ware at %s', (text, place) => {
    expect(placeOf(parseWarehouse(text), ID)).toBe(place);
    expect(isWarehouseAddress(text)).toBe(true);
  });

  it.each(['', 'x.tgz', 'file:/x', 'file://', 'file+ca://x', 'ftp://x', 'http://[', 'file://%zz'])(
    'is not %j',
    (text) => {
      expect(() => parseWarehouse(text)).toThrow(/is no warehouse, expected file:\/\/PATH/);
    },
  );
});
