import { describe, expect, it } from 'vitest';
import { byteString } from '../../../../src/core/bytes.ts';
import { EntryType, type LayerEntry } from '../../../../src/core/layer/entry.ts';
import { entryLinkPathBytes, entryPath, LayerIndexBuilder } from '../../../../src/core/layer/layer-index.ts';
import { placeBelow } from '../../../../src/core/layer/place-below.ts';

function indexOf(
  ...entries: readonly (readonly [EntryType, string, string?])[]
): ReturnType<LayerIndexBuilder['finish']> {
  const builder = new LayerIndexBuilder();
  for (const [type, path, linkPath = ''] of entries) {
    const zeros = {
      mode: 0,
      uid: 0,
      gid: 0,
      mtimeSeconds: 0,
      mtimeNanoseconds: 0,
      size: 0,
      dataOffset: 0,
      headerOffset: 0,
    };
    builder.add({ ...zeros, deviceMajor: 0, deviceMinor: 0, xattrs: [], type, path, linkPath } satisfies LayerEntry);
  }
  return builder.finish();
}

describe('a layer below a path', () => {
  it('has its names, hard links, whiteouts and root there, and the texts of its symlinks as they were', () => {
    const index = indexOf(
      [EntryType.directory, ''],
      [EntryType.file, 'a'],
      [EntryType.hardLink, 'd/b', 'a'],
      [EntryType.hardLink, 'c', ''],
      [EntryType.symlink, 's', '/a'],
      [EntryType.file, '.wh.x'],
      [EntryType.file, 'd/.wh..wh..opq'],
    );
    const below = placeBelow(index, 'srv/www');
    const entries = Array.from({ length: below.count }, (_, i) => [
      entryPath(below, i),
      byteString(entryLinkPathBytes(below, i)),
    ]);
    expect(entries).toEqual([
      ['srv/www', ''],
      ['srv/www/a', ''],
      ['srv/www/d/b', 'srv/www/a'],
      ['srv/www/c', 'srv/www'],
      ['srv/www/s', '/a'],
      ['srv/www/.wh.x', ''],
      ['srv/www/d/.wh..wh..opq', ''],
    ]);
    expect(placeBelow(index, '')).toBe(index);
  });

  it('has a directory as its root', () => {
    expect(() => placeBelow(indexOf([EntryType.file, '']), 'a')).toThrow('entry /: the root is not a directory');
  });
});
