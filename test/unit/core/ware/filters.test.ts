import { describe, expect, it } from 'vitest';
import { EntryType } from '../../../../src/core/layer/entry.ts';
import {
  applyFilters,
  FLATTEN,
  filterWords,
  LOSSLESS,
  PACK_DEFAULTS,
  parseFilters,
  unpackDefaults,
} from '../../../../src/core/ware/filters.ts';

const timeOf = (text: string): number | undefined => (text === 'noon' ? 43_200 : undefined);
const NODE = {
  type: EntryType.file as EntryType,
  path: 'a',
  mode: 0o7755,
  uid: 1,
  gid: 2,
  mtimeSeconds: 3,
  mtimeNanoseconds: 4,
};

describe('filters in words', () => {
  it('change the defaults that they name', () => {
    const filters = parseFilters(
      'uid=0, gid=keep,mtime=@-5,sticky=ignore,setid=ignore,dev=keep',
      PACK_DEFAULTS,
      timeOf,
    );
    expect(filters).toEqual({ uid: 0, gid: 'keep', mtime: -5, sticky: 'ignore', setid: 'ignore', dev: 'keep' });
    expect(parseFilters('', PACK_DEFAULTS, timeOf)).toEqual(PACK_DEFAULTS);
    expect(parseFilters('mtime=noon', LOSSLESS, timeOf).mtime).toBe(43_200);
  });

  it('name who unpacks, where something is unpacked', () => {
    const host = { uid: 501, gid: 20 };
    const defaults = unpackDefaults(host);
    expect(defaults).toMatchObject({ uid: 501, gid: 20, mtime: 'keep', setid: 'reject' });
    expect(parseFilters('uid=follow,gid=mine', defaults, timeOf, host)).toMatchObject({ uid: 'keep', gid: 20 });
  });

  it.each([
    'uid',
    'uid=',
    'uid=-1',
    'uid=4294967295',
    'uid=mine',
    'gid=follow',
    'mtime=@',
    'mtime=now',
    'sticky=reject',
    'x=1',
    ',',
  ])('are not %j', (text) => {
    expect(() => parseFilters(text, LOSSLESS, timeOf)).toThrow(/^filter ".*", expected /);
  });

  it('are written as Repeatr writes them', () => {
    expect(filterWords({ uid: 1000, mtime: 5 })).toEqual({ uid: '1000', mtime: '@5' });
    expect(filterWords({ mtime: 'keep', dev: 'reject' })).toEqual({ mtime: 'keep', dev: 'reject' });
  });
});

describe('filters', () => {
  it('change what they are told to', () => {
    expect(applyFilters(NODE, LOSSLESS)).toEqual(NODE);
    expect(applyFilters(NODE, FLATTEN)).toEqual({
      ...NODE,
      uid: 1000,
      gid: 1000,
      mtimeSeconds: 1_262_304_000,
      mtimeNanoseconds: 0,
    });
    expect(applyFilters(NODE, { ...LOSSLESS, sticky: 'ignore' })?.mode).toBe(0o6755);
    expect(applyFilters(NODE, { ...LOSSLESS, setid: 'ignore' })?.mode).toBe(0o1755);
  });

  it('refuse what they are told to', () => {
    expect(() => applyFilters(NODE, { ...LOSSLESS, setid: 'reject' })).toThrow('entry a: a set-id bit');
    const device = { ...NODE, mode: 0o600, type: EntryType.blockDevice };
    expect(() => applyFilters(device, PACK_DEFAULTS)).toThrow('entry a: a device');
    expect(applyFilters(device, { ...LOSSLESS, dev: 'ignore' })).toBeUndefined();
    expect(applyFilters({ ...device, type: EntryType.fifo }, PACK_DEFAULTS)?.type).toBe(EntryType.fifo);
  });
});
