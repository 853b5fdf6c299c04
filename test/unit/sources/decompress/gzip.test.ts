import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { gunzip } from '../../../../src/sources/decompress/gzip.ts';
import { chunksOf, gather } from '../../../helpers/chunks.ts';

const content = Uint8Array.from({ length: 5000 }, (_, i) => (i * i) >> 3);
const member = gzipSync(content);
const run = (bytes: Uint8Array, chunk = 1000): Promise<Uint8Array> =>
  gather(gunzip(chunksOf(bytes, chunk), { layer: 2 }));
const twice = Uint8Array.from([...content, ...content]);

describe('gunzip', () => {
  it.each([1, 7, member.length - 1, member.length, member.length + 1, 1e6])(
    'reads members one after another and zeros behind them, in chunks of %d',
    async (chunk) => {
      expect(await run(member, chunk)).toEqual(content);
      expect(await run(Buffer.concat([member, member]), chunk)).toEqual(twice);
      expect(await run(Buffer.concat([member, member, new Uint8Array(3000)]), chunk)).toEqual(twice);
    },
  );

  it.each([1, 7, member.length, member.length + 10, 1e6])('refuses what is neither, in chunks of %d', async (chunk) => {
    const corrupt = { code: 'layer-corrupt', context: { layer: 2 } };
    await expect(run(Buffer.concat([member, Buffer.from('garbage')]), chunk)).rejects.toMatchObject(corrupt);
    await expect(run(Buffer.concat([member, new Uint8Array(40), Buffer.from('x')]), chunk)).rejects.toMatchObject(
      corrupt,
    );
    await expect(run(Buffer.concat([member, new Uint8Array(40), member]), chunk)).rejects.toMatchObject(corrupt);
  });

  it('refuses a stream that ends anywhere inside', async () => {
    for (let length = 2; length < member.length; length += 97) {
      const cut = run(member.subarray(0, length));
      await expect(cut).rejects.toMatchObject({ code: 'layer-truncated', context: { layer: 2 } });
    }
  });

  it('refuses a stream with another checksum', async () => {
    const damaged = Uint8Array.from(member);
    damaged[member.length - 6] = (damaged[member.length - 6] ?? 0) ^ 1;
    await expect(run(damaged)).rejects.toMatchObject({ code: 'layer-corrupt' });
  });

  it('passes on the failure of its input, and closes the input when it is left early', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Promise.resolve(member.subarray(0, 100));
      throw new Error('unplugged');
    }
    await expect(gather(gunzip(failing(), {}))).rejects.toThrow('unplugged');
    let closed = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Promise.resolve(member);
      } finally {
        closed = true;
      }
    }
    for await (const chunk of gunzip(endless(), {})) if (chunk.length > 0) break;
    expect(closed).toBe(true);
  });
});
