import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EndMarker } from '../../../src/guest/end-marker.ts';

describe('a stream that ends with a marker', () => {
  it('is what comes before it, however it is cut', () => {
    const text = fc.stringMatching(/^[abc]{0,20}$/).filter((each) => !each.includes('abac'));
    fc.assert(
      fc.property(text, fc.array(fc.nat(4)), (content, cuts) => {
        const end = new EndMarker('abac');
        const stream = Buffer.from(`${content}abac`);
        const found: Uint8Array[] = [];
        let at = 0;
        for (const length of [...cuts, stream.length]) {
          found.push(end.push(stream.subarray(at, at + length)));
          at = Math.min(stream.length, at + length);
        }
        const expected = `${content}abac`.slice(0, `${content}abac`.indexOf('abac'));
        return end.isFound && Buffer.concat(found).toString() === expected;
      }),
    );
  });

  it('is passed on at once but for what may be its beginning', () => {
    const end = new EndMarker('\x1eend');
    expect(Buffer.from(end.push(Buffer.from('prompt> '))).toString()).toBe('prompt> ');
    expect(Buffer.from(end.push(Buffer.from('a\x1ee'))).toString()).toBe('a');
    expect(Buffer.from(end.push(Buffer.from('x'))).toString()).toBe('\x1eex');
    expect(Buffer.from(end.push(Buffer.from('\x1eend and more'))).toString()).toBe('');
    expect(end.isFound).toBe(true);
    expect(end.push(Buffer.from('more')).length).toBe(0);
  });
});
