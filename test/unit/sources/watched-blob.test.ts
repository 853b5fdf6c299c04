import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Blob } from '../../../src/sources/layer.ts';
import { WatchedBlob } from '../../../src/sources/watched-blob.ts';

/** A blob of files of ten bytes each that keeps what is asked of it; `changed` are files that are not what they were. */
function tenByteFiles(): { blob: Blob; calls: string[]; changed: Set<number> } {
  const calls: string[] = [];
  const changed = new Set<number>();
  const blob: Blob = {
    sourceCount: 5,
    readSync: () => void calls.push('read'),
    read: async () => void calls.push('read'),
    sourceAt: (position) => Math.floor(position / 10),
    verifySource: (source) => {
      calls.push(`look at ${source}`);
      if (changed.has(source)) throw new Error(`${source} changed`);
    },
    verifyUnchanged: () => void calls.push('look at all'),
    close: () => void calls.push('close'),
  };
  return { blob, calls, changed };
}

describe('WatchedBlob', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.advanceTimersByTime(1);
  });
  afterEach(() => void vi.useRealTimers());

  it('looks at a file before it is read, and not again for a moment', async () => {
    const { blob, calls, changed } = tenByteFiles();
    const watched = new WatchedBlob(blob);
    const target = new Uint8Array(1);
    watched.readSync(0, target);
    await watched.read(0, target);
    expect(calls).toEqual(['look at 0', 'read', 'read']);
    changed.add(0);
    vi.advanceTimersByTime(99);
    watched.readSync(0, target);
    vi.advanceTimersByTime(1);
    expect(() => watched.readSync(0, target)).toThrow('0 changed');
    await expect(watched.read(0, target)).rejects.toThrow('0 changed');
    expect(calls.slice(3)).toEqual(['read', 'look at 0', 'look at 0']);
    watched.close();
    expect(calls.at(-1)).toBe('close');
  });

  it('looks at the files of a read alone', () => {
    const { blob, calls, changed } = tenByteFiles();
    const watched = new WatchedBlob(blob);
    changed.add(4);
    watched.readSync(19, new Uint8Array(12));
    watched.readSync(0, new Uint8Array(0));
    watched.readSync(39, new Uint8Array(1));
    expect(calls).toEqual(['look at 1', 'look at 2', 'look at 3', 'read', 'read', 'read']);
    expect(() => watched.readSync(39, new Uint8Array(2))).toThrow('4 changed');
  });

  it('says of a file that changed while it was trusted what it says later, wherever it is read', async () => {
    const { blob, changed } = tenByteFiles();
    const short = (position: number): never => {
      throw new Error(`short at ${position}`);
    };
    const watched = new WatchedBlob({ ...blob, readSync: short, read: async (position) => short(position) });
    const target = new Uint8Array(1);
    expect(() => watched.readSync(12, target)).toThrow('short at 12');
    changed.add(1);
    for (const position of [12, 13]) {
      expect(() => watched.readSync(position, target)).toThrow('1 changed');
      await expect(watched.read(position, target)).rejects.toThrow('1 changed');
    }
  });
});
