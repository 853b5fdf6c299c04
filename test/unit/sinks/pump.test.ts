import { describe, expect, it } from 'vitest';
import { type Consumer, pump } from '../../../src/sinks/pump.ts';
import { bytesOfFake, FakeImage } from '../../helpers/fake-image.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Takes everything, as slowly as `work` says. */
function collector(size: number, work: () => Promise<void> = async () => undefined) {
  const bytes = new Uint8Array(size);
  const seen: { offset: number; length: number; hole: boolean }[] = [];
  const consumer: Consumer = {
    data: async (offset, piece) => {
      seen.push({ offset, length: piece.length, hole: false });
      await work();
      // Only now: the piece has to stay until the promise settles.
      bytes.set(piece, offset);
    },
    hole: (offset, length) => void seen.push({ offset, length, hole: true }),
  };
  return { bytes, seen, consumer };
}

describe('pump', () => {
  it('gives every byte once, in order', async () => {
    const image = new FakeImage(9 * MIB + 123, [{ start: 3 * MIB, end: 5 * MIB + 4096 }]);
    const { bytes, seen, consumer } = collector(image.size, async () => new Promise((done) => setTimeout(done, 1)));
    await pump(image, 'writing', consumer);
    expect(Buffer.compare(bytes, bytesOfFake(image))).toBe(0);
    let end = 0;
    for (const { offset, length } of seen) {
      expect(offset).toBe(end);
      end += length;
    }
    expect(end).toBe(image.size);
    expect(seen.filter(({ hole }) => hole)).toEqual([{ offset: 3 * MIB, length: 2 * MIB + 4096, hole: true }]);
  });

  it('reads nothing of holes', async () => {
    const image = new FakeImage(100 * MIB, [{ start: 0, end: 100 * MIB - 512 }]);
    await pump(image, 'writing', collector(image.size).consumer);
    expect(image.bytesRead).toBe(512);
  });

  it('tells how far it is, holes included', async () => {
    const image = new FakeImage(4 * MIB, [{ start: MIB, end: 2 * MIB }]);
    const told: number[] = [];
    await pump(image, 'writing', collector(image.size).consumer, {
      onProgress: ({ phase, bytes }) => {
        expect([phase, bytes?.total]).toEqual(['writing', image.size]);
        told.push(bytes?.done ?? 0);
      },
    });
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(told.at(-1)).toBe(image.size);
  });

  it('hears a signal in the middle of a hole', async () => {
    const image = new FakeImage(2 ** 36, [{ start: 0, end: 2 ** 36 }]);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 20);
    // As digesting zeros does: everything at once, without waiting for anything.
    const busy: Consumer = { data: () => undefined, hole: () => spin(2) };
    await expect(pump(image, 'writing', busy, { signal: controller.signal })).rejects.toThrow('enough');
  });

  it('fails as reading fails, after what was given is done with', async () => {
    const image = new FakeImage(8 * MIB);
    image.onRead = (offset) => {
      if (offset >= 4 * MIB) throw new Error('changed');
    };
    let open = 0;
    const slow = async (): Promise<void> => {
      open++;
      await new Promise((done) => setTimeout(done, 5));
      open--;
    };
    await expect(pump(image, 'writing', collector(image.size, slow).consumer)).rejects.toThrow('changed');
    expect(open).toBe(0);
  });

  it('fails as its consumer fails', async () => {
    const image = new FakeImage(8 * MIB);
    const full: Consumer = { data: async () => Promise.reject(new Error('full')), hole: () => undefined };
    await expect(pump(image, 'writing', full)).rejects.toThrow('full');
    expect(image.bytesRead).toBeLessThan(image.size);
  });
});

function spin(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end; );
}
