import { describe, expect, it } from 'vitest';
import { EntryType } from '../../../../src/core/layer/entry.ts';
import { LayerIndexBuilder } from '../../../../src/core/layer/layer-index.ts';
import type { DataSegment } from '../../../../src/core/layer/entry.ts';
import { LayerBlocks } from '../../../../src/core/verity/layer-blocks.ts';

function blocksOf(
  files: readonly { size: number; dataOffset: number; segments?: readonly DataSegment[] }[],
): LayerBlocks {
  const builder = new LayerIndexBuilder();
  for (const [i, file] of files.entries())
    builder.add({
      type: EntryType.file,
      path: `${i}`,
      linkPath: '',
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtimeSeconds: 0,
      mtimeNanoseconds: 0,
      deviceMajor: 0,
      deviceMinor: 0,
      headerOffset: 0,
      xattrs: [],
      segments: undefined,
      ...file,
    });
  return new LayerBlocks(builder.finish());
}

describe('LayerBlocks', () => {
  it('numbers the blocks of files one after another', () => {
    const blocks = blocksOf([
      { size: 10_000, dataOffset: 512 },
      { size: 0, dataOffset: 11_264 },
      { size: 4096, dataOffset: 12_288 },
      { size: 5, dataOffset: 20_000 },
    ]);
    expect(blocks.count).toBe(5);
    expect(blocks.numberOf(512, 10_000)).toBe(0);
    expect(blocks.numberOf(512 + 4096, 4096)).toBe(1);
    expect(blocks.numberOf(512 + 8192, 10_000 - 8192)).toBe(2);
    expect(blocks.numberOf(12_288, 4096)).toBe(3);
    expect(blocks.numberOf(20_000, 5)).toBe(4);
  });

  it('has no number for what is no whole block of a file', () => {
    const blocks = blocksOf([{ size: 10_000, dataOffset: 512 }]);
    expect(blocks.numberOf(0, 4096)).toBeUndefined();
    expect(blocks.numberOf(513, 4096)).toBeUndefined();
    expect(blocks.numberOf(512, 4095)).toBeUndefined();
    expect(blocks.numberOf(512 + 8192, 100)).toBeUndefined();
    expect(blocks.numberOf(512 + 12_288, 4096)).toBeUndefined();
    expect(blocksOf([]).numberOf(512, 4096)).toBeUndefined();
  });

  it('begins the blocks of a sparse file where the file has them', () => {
    const segments = [
      { offset: 100, length: 5000 },
      { offset: 40_960, length: 8192 },
    ];
    const blocks = blocksOf([{ size: 1 << 20, dataOffset: 1024, segments }]);
    expect(blocks.count).toBe(3);
    expect(blocks.numberOf(1024, 3996)).toBeUndefined();
    expect(blocks.numberOf(1024 + 3996, 1004)).toBe(0);
    expect(blocks.numberOf(1024 + 5000, 8192)).toBe(1);
  });
});
