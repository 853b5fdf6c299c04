import { createHash } from 'node:crypto';
import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { streamImage } from '../../../src/sinks/stream-sink.ts';
import { bytesOfFake, FakeImage } from '../../helpers/fake-image.ts';

const MIB = 2 ** 20;
const HOLES = [{ start: MIB, end: 3 * MIB + 1000 }];

function sink(write: (piece: Buffer) => Error | undefined): Writable {
  return new Writable({
    highWaterMark: 1,
    write: (piece: Buffer, _, done) => void setTimeout(() => done(write(piece)), 1),
  });
}

describe('streamImage', () => {
  it('writes every byte in order, holes as zeros, and does not end the stream', async () => {
    const image = new FakeImage(4 * MIB + 7, HOLES);
    const pieces: Buffer[] = [];
    const stream = sink((piece) => void pieces.push(Buffer.from(piece)));
    const { sha256 } = await streamImage(image, stream);
    const expected = bytesOfFake(image);
    expect(Buffer.compare(Buffer.concat(pieces), expected)).toBe(0);
    expect(sha256).toBe(createHash('sha256').update(expected).digest('hex'));
    expect(stream.writableEnded).toBe(false);
  });

  it('fails as the stream fails', async () => {
    let written = 0;
    const stream = sink((piece) => ((written += piece.length) > MIB ? failure() : undefined));
    stream.on('error', () => undefined);
    await expect(streamImage(new FakeImage(4 * MIB), stream)).rejects.toMatchObject({
      code: 'output-failed',
      message: 'cannot write the output: no space left on device',
    });
    expect(written).toBeLessThan(3 * MIB);
  });
});

function failure(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), {
    errno: -28,
    code: 'ENOSPC',
    syscall: 'write',
  });
}
