import { describe, expect, it } from 'vitest';
import { unzstd } from '../../../../src/sources/decompress/zstd.ts';
import { hasNativeZstd, type ZstdEngine } from '../../../../src/sources/decompress/zstd-engine.ts';
import { chunksOf, gather } from '../../../helpers/chunks.ts';
import { blockHeader, zstdFrame, zstdSkippable } from '../../../helpers/zstd-writer.ts';

const engines: ZstdEngine[] = hasNativeZstd ? ['native', 'fzstd'] : ['fzstd'];
const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >> 5);
const twice = Uint8Array.from([...content, ...content]);
const frame = zstdFrame(content, { checksum: true });

describe.each(engines)('unzstd by %s', (engine) => {
  const run = (bytes: Uint8Array, chunk = 10_000): Promise<Uint8Array> =>
    gather(unzstd(chunksOf(bytes, chunk), { layer: 2 }, engine));

  it.each([999, frame.length, frame.length + 1, 1e7])(
    'reads frames and skips skippable ones, in chunks of %d',
    async (chunk) => {
      const skipped = zstdSkippable(
        Uint8Array.from({ length: 500 }, () => 7),
        3,
      );
      expect(Buffer.compare(await run(frame, chunk), content)).toBe(0);
      expect(Buffer.compare(await run(Buffer.concat([frame, zstdFrame(content)]), chunk), twice)).toBe(0);
      expect(Buffer.compare(await run(Buffer.concat([skipped, frame, skipped, frame, skipped]), chunk), twice)).toBe(0);
    },
  );

  it('reads an empty frame, and input byte by byte', async () => {
    const small = zstdFrame(content.subarray(0, 500), { checksum: true });
    expect(await run(Buffer.concat([zstdFrame(new Uint8Array(0)), small]), 1)).toEqual(content.slice(0, 500));
  });

  it('refuses a stream that ends anywhere inside', async () => {
    const bytes = Buffer.concat([
      zstdSkippable(content.subarray(0, 90)),
      zstdFrame(content.subarray(0, 90), { checksum: true }),
    ]);
    for (let length = 1; length < bytes.length; length++) {
      if (length === 98) continue;
      const code = length < 4 || (length > 98 && length < 102) ? 'layer-corrupt' : 'layer-truncated';
      await expect(run(bytes.subarray(0, length)), `at ${length}`).rejects.toMatchObject({
        code,
        context: { layer: 2 },
      });
    }
  });

  it.each([
    ['something else behind a frame', Buffer.concat([frame, Buffer.from('garbage')])],
    ['another checksum', damaged(frame, frame.length - 1)],
    ['other content', damaged(frame, 1000)],
    ['a length that is not the content’s', zstdFrame(content, { declaredBytes: content.length + 1, window: 0x48 })],
    ['a reserved bit', damaged(frame, 4, 0x08)],
    ['a block of the reserved type', Buffer.concat([frame.subarray(0, 13), blockHeader(10, 3, true), content])],
    ['a block over 128 KiB', Buffer.concat([frame.subarray(0, 13), blockHeader(131_073, 0, true), content])],
    ['a run over 128 KiB', Buffer.concat([frame.subarray(0, 13), blockHeader(2_000_000, 1, true), content])],
  ])('refuses %s', async (_, bytes) => {
    await expect(run(bytes)).rejects.toMatchObject({ code: 'layer-corrupt' });
  });

  it.each([
    ['a window over 128 MiB', zstdFrame(content, { window: 0x89 })],
    [
      'a dictionary',
      Buffer.concat([frame.subarray(0, 4), Buffer.from([0x21, 5, 5]), blockHeader(5, 0, true), content.subarray(0, 5)]),
    ],
  ])('does not support %s', async (_, bytes) => {
    await expect(run(bytes)).rejects.toMatchObject({ code: 'layer-unsupported' });
  });
});

function damaged(bytes: Uint8Array, at: number, change = 1): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ change;
  return copy;
}
