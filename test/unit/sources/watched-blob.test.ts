import { describe, expect, it, vi } from 'vitest';
import type { Blob } from '../../../src/sources/layer.ts';
import { WatchedBlob } from '../../../src/sources/watched-blob.ts';

describe('WatchedBlob', () => {
  it('looks at its source before a read, and not again for a moment', async () => {
    vi.useFakeTimers();
    const calls: string[] = [];
    let isChanged = false;
    const blob: Blob = {
      readSync: () => void calls.push('read'),
      read: async () => void calls.push('read'),
      verifyUnchanged: () => {
        calls.push('look');
        if (isChanged) throw new Error('changed');
      },
      close: () => void calls.push('close'),
    };
    const watched = new WatchedBlob(blob);
    const target = new Uint8Array(1);
    vi.advanceTimersByTime(1);
    watched.readSync(0, target);
    await watched.read(0, target);
    expect(calls).toEqual(['look', 'read', 'read']);
    isChanged = true;
    vi.advanceTimersByTime(99);
    watched.readSync(0, target);
    vi.advanceTimersByTime(1);
    expect(() => watched.readSync(0, target)).toThrow('changed');
    await expect(watched.read(0, target)).rejects.toThrow('changed');
    expect(calls.slice(3)).toEqual(['read', 'look', 'look']);
    watched.close();
    expect(calls.at(-1)).toBe('close');
    vi.useRealTimers();
  });
});
