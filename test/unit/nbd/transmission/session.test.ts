import { describe, expect, it } from 'vitest';
import type { Backend, Extent } from '../../../../src/nbd/backend.ts';
import { bufferBackend } from '../../../../src/nbd/backends/buffer-backend.ts';
import { Chunk, Command, CommandFlag, ErrorValue, type ReplyStyle } from '../../../../src/nbd/protocol.ts';
import { MemorySession, type SessionCase } from '../../../helpers/nbd-memory.ts';
import {
  assemble,
  type Message,
  MessageParser,
  request,
  type TestRequest,
  u32,
  u64,
} from '../../../helpers/nbd-wire.ts';

const STYLES: readonly ReplyStyle[] = ['simple', 'structured', 'extended'];
const MIB = 1 << 20;

function pattern(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
}

/** Says requests and gives the messages that came back. */
async function exchange(
  setting: SessionCase,
  requests: readonly TestRequest[],
  chunkBytes?: number,
): Promise<{ messages: Message[]; held: MemorySession }> {
  const held = new MemorySession(setting);
  const style = setting.style ?? 'structured';
  const isExtended = style === 'extended';
  const said = Buffer.concat(
    requests.map((each) => {
      const isPayload = isExtended && each.type === Command.WRITE ? CommandFlag.PAYLOAD_LEN : 0;
      return request({ ...each, flags: (each.flags ?? 0) | isPayload }, isExtended);
    }),
  );
  held.say(said, chunkBytes);
  await held.rest();
  const lengths = new Map(
    requests.map(({ type, cookie = 1, length = 0 }) => [BigInt(cookie), type === Command.READ ? Number(length) : 0]),
  );
  const parser = new MessageParser(style, (cookie) => lengths.get(cookie) ?? 0);
  const messages = parser.push(held.port.bytes);
  expect(parser.leftOver).toBe(0);
  return { messages, held };
}

async function errorOf(setting: SessionCase, one: TestRequest): Promise<number> {
  const { messages } = await exchange(setting, [one]);
  expect(messages.filter(({ isDone }) => isDone)).toHaveLength(1);
  return messages.find(({ error }) => error !== 0)?.error ?? 0;
}

/** The same backend with every method a promise that takes a while. */
function later(backend: Backend): Backend {
  const wait = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    size: backend.size,
    read: async (offset, target) => {
      await wait();
      await backend.read(offset, target);
    },
    ...(backend.write && {
      write: async (offset: number, source: Uint8Array) => {
        await wait();
        await backend.write?.(offset, source);
      },
    }),
    ...(backend.flush && {
      flush: async () => {
        await wait();
        await backend.flush?.();
      },
    }),
    ...(backend.extents && {
      extents: async (offset: number, length: number, unit: number) => {
        await wait();
        return (await backend.extents?.(offset, length, unit)) ?? [];
      },
    }),
  };
}

const failing = (code?: string): Error => Object.assign(new Error('disk on fire'), code && { code });

describe.each(STYLES)('%s replies', (style) => {
  const content = pattern(2 * MIB);
  const backend = bufferBackend(content);

  it.each([1, 511, 4096, 131_072, 131_073, 262_144, 1_500_001])('carry %d bytes of a READ', async (length) => {
    for (const each of [backend, later(backend)]) {
      const { messages } = await exchange({ backend: each, style }, [
        { type: Command.READ, offset: 12_345, length, cookie: 0xfedc_ba98_7654_3210n },
      ]);
      expect(messages.every(({ cookie }) => cookie === 0xfedc_ba98_7654_3210n)).toBe(true);
      expect(messages.map(({ isDone }) => isDone)).toEqual([...messages.slice(1).map(() => false), true]);
      const data = style === 'simple' ? messages[0]?.data : assemble(messages, 12_345, length);
      expect(data?.equals(content.subarray(12_345, 12_345 + length))).toBe(true);
    }
  });

  it('repeat the offset of the request where headers are extended', async () => {
    const { messages } = await exchange({ backend, style }, [
      { type: Command.READ, offset: 300_000, length: 300_000 },
      { type: Command.READ, cookie: 2, offset: 0xffff_ffff_ffff_fff1n, length: 5 },
    ]);
    const offsets = new Set(messages.map(({ requestOffset }) => requestOffset));
    expect(offsets).toEqual(new Set(style === 'extended' ? [300_000n, 0xffff_ffff_ffff_fff1n] : [undefined]));
  });

  it('come for every request, whatever the chunks', async () => {
    const requests = Array.from({ length: 40 }, (_, i) => ({
      type: i % 5 === 4 ? Command.FLUSH : Command.READ,
      cookie: i + 1,
      offset: i % 5 === 4 ? 0 : i * 1000,
      length: i % 5 === 4 ? 0 : 100 + i,
    }));
    for (const size of [1, 2, 3, 5, 27, 28, 29, 31, 32, 33, 64, 500, 10_000]) {
      const { messages } = await exchange({ backend, style }, requests, size);
      expect(messages.map(({ cookie }) => Number(cookie))).toEqual(requests.map(({ cookie }) => cookie));
      for (const { cookie, data } of messages.filter((message) => message.data.length > 0)) {
        const at = (Number(cookie) - 1) * 1000;
        expect(data.equals(content.subarray(at, at + data.length))).toBe(true);
      }
    }
  });

  it('to READ of nothing carry nothing', async () => {
    expect(await errorOf({ backend, style }, { type: Command.READ, offset: 5, length: 0 })).toBe(0);
  });

  it('gather many in a write, and let the first go early', async () => {
    const requests = Array.from({ length: 30 }, (_, i) => ({ type: Command.READ, cookie: i, length: 4096 }));
    const { held } = await exchange({ backend, style }, requests);
    expect(held.port.writes).toHaveLength(2);
    expect(held.port.writes[0]).toBeLessThan(40_000);
  });

  it('tell what a backend failed with', async () => {
    const codes = { EPERM: 1, EACCES: 1, ENOMEM: 12, EINVAL: 22, ENOSPC: 28, EDQUOT: 28, ENOTSUP: 5, toString: 5 };
    for (const [code, error] of Object.entries(codes)) {
      const throwing = { size: 9, read: () => expect.fail() as void, write: () => void 0 } satisfies Backend;
      const sync = {
        ...throwing,
        write: (): void => {
          throw failing(code);
        },
      };
      const promised = { ...throwing, write: async () => Promise.reject(failing(code)) };
      for (const each of [sync, promised]) {
        const one = { type: Command.WRITE, payload: Buffer.from('abc') };
        expect([code, await errorOf({ backend: each, style }, one)]).toEqual([code, error]);
      }
    }
  });

  it('refuse a READ that fails, and the next one succeeds', async () => {
    let isBroken = true;
    const sometimes: Backend = {
      size: content.length,
      read: (offset, target) => {
        if (isBroken) throw failing();
        return backend.read(offset, target);
      },
    };
    for (const each of [sometimes, later(sometimes)]) {
      isBroken = true;
      const held = new MemorySession({ backend: each, style });
      held.say(request({ type: Command.READ, cookie: 1, length: 300_000 }, style === 'extended'));
      await held.rest();
      isBroken = false;
      held.say(request({ type: Command.READ, cookie: 2, length: 10 }, style === 'extended'));
      await held.rest();
      const messages = new MessageParser(style, () => 10).push(held.port.bytes);
      expect(messages.map(({ cookie, error }) => [cookie, error])).toEqual([
        [1n, ErrorValue.EIO],
        [2n, 0],
      ]);
      expect(held.port.backendErrors).toHaveLength(1);
      expect(Math.max(...messages.map(({ data }) => data.length))).toBeLessThan(200);
    }
  });
});

describe('reads in pieces', () => {
  it('that fail midway say where', async () => {
    const backend: Backend = {
      size: MIB,
      read: (offset) => {
        if (offset >= 262_144) throw failing();
      },
    };
    for (const each of [backend, later(backend)]) {
      const { messages } = await exchange({ backend: each }, [{ type: Command.READ, length: 500_000 }]);
      expect(messages.map(({ chunk, isDone }) => [chunk, isDone])).toEqual([
        [Chunk.OFFSET_DATA, false],
        [Chunk.OFFSET_DATA, false],
        [Chunk.ERROR_OFFSET, true],
      ]);
      expect(messages[2]?.offset).toBe(262_144);
    }
  });

  it('are one chunk with DF, or too long', async () => {
    const backend = bufferBackend(pattern(MIB));
    for (const length of [65_536, 131_072]) {
      const { messages } = await exchange({ backend }, [{ type: Command.READ, flags: CommandFlag.DF, length }]);
      expect(messages).toHaveLength(1);
      expect(messages[0]?.data).toHaveLength(length);
    }
    const long = { type: Command.READ, flags: CommandFlag.DF, length: 131_073 };
    expect(await errorOf({ backend }, long)).toBe(ErrorValue.EOVERFLOW);
    expect(await errorOf({ backend, style: 'simple' }, { ...long, length: 10 })).toBe(ErrorValue.EINVAL);
  });

  it('wait for a client that does not read, and hold one frame', async () => {
    const content = pattern(4 * MIB);
    const held = new MemorySession({ backend: bufferBackend(content) });
    held.port.isSlow = true;
    held.say(request({ type: Command.READ, length: 4 * MIB }));
    await held.rest();
    expect(held.port.writes).toHaveLength(1);
    for (let i = 0; i < 100; i++) {
      held.port.drain();
      await held.rest();
    }
    const messages = new MessageParser('structured').push(held.port.bytes);
    expect(assemble(messages, 0, 4 * MIB).equals(content)).toBe(true);
  }, 20_000);
});

describe('holes', () => {
  const content = Buffer.concat([pattern(8192), Buffer.alloc(100_000), pattern(21_000), Buffer.alloc(870_808)]);
  const holes: [number, number][] = [
    [8192, 108_192],
    [129_192, content.length],
  ];
  function* extents(offset: number, length: number): Generator<Extent> {
    const borders = [0, ...holes.flat()].filter((border) => border <= content.length);
    for (let i = 0; i < borders.length; i++) {
      const from = Math.max(borders[i] ?? 0, offset);
      const to = Math.min(borders[i + 1] ?? content.length, offset + length);
      if (to > from) yield { offset: from, length: to - from, hole: i % 2 === 1 };
    }
  }
  const backend: Backend = { ...bufferBackend(content), extents };

  it.each(['structured', 'extended'] as const)('go out as such in %s replies', async (style) => {
    for (const each of [backend, later(backend)]) {
      const { messages } = await exchange({ backend: each, style }, [
        { type: Command.READ, offset: 100, length: 900_000 },
      ]);
      expect(assemble(messages, 100, 900_000).equals(content.subarray(100, 900_100))).toBe(true);
      expect(messages.map(({ offset, holeBytes }) => holeBytes && [offset, holeBytes])).toEqual([
        undefined,
        [8192, 106_496 - 8192],
        undefined,
        [131_072, 900_100 - 131_072],
      ]);
      expect(messages.map(({ isDone }) => isDone)).toEqual([false, false, false, true]);
    }
  });

  it('go out as zeros in simple replies, short reads and with DF', async () => {
    for (const one of [{ length: 8000 }, { length: 20_000, flags: CommandFlag.DF }]) {
      const { messages } = await exchange({ backend }, [{ type: Command.READ, offset: 9000, ...one }]);
      expect(messages.map(({ data }) => data)).toEqual([Buffer.alloc(one.length)]);
    }
    const { messages } = await exchange({ backend, style: 'simple' }, [
      { type: Command.READ, offset: 9000, length: 20_000 },
    ]);
    expect(messages[0]?.data).toEqual(Buffer.alloc(20_000));
  });

  it('that cannot be found out do not stop a read', async () => {
    const now: Backend = { ...backend, extents: () => expect.fail() as never };
    const promised: Backend = { ...backend, extents: async () => Promise.reject(failing()) };
    for (const broken of [now, promised]) {
      const { messages } = await exchange({ backend: broken }, [{ type: Command.READ, length: 50_000 }]);
      expect(assemble(messages, 0, 50_000).equals(content.subarray(0, 50_000))).toBe(true);
    }
  });
});

describe('BLOCK_STATUS', () => {
  const TIB = 2 ** 40;
  const sparse: Backend = {
    size: 8 * TIB,
    read: () => {},
    *extents(offset, length) {
      for (let at = offset; at < offset + length; ) {
        const index = Math.floor(at / TIB);
        const end = Math.min((index + 1) * TIB, offset + length);
        yield { offset: at, length: end - at, hole: index % 2 === 0 };
        at = end;
      }
    },
  };

  async function status(setting: SessionCase, one: Omit<TestRequest, 'type'>): Promise<[number, number][]> {
    const { messages } = await exchange(setting, [{ type: Command.BLOCK_STATUS, ...one }]);
    expect(messages).toHaveLength(1);
    const [{ chunk, data, error } = { chunk: 0, data: Buffer.alloc(0), error: 0 }] = messages;
    if (error !== 0) throw new Error(`error ${error}`);
    expect(data.readUInt32BE(0)).toBe(1);
    if (chunk === Chunk.BLOCK_STATUS) {
      return Array.from({ length: (data.length - 4) / 8 }, (_, i) => [
        data.readUInt32BE(4 + 8 * i),
        data.readUInt32BE(8 + 8 * i),
      ]);
    }
    expect(chunk).toBe(Chunk.BLOCK_STATUS_EXT);
    expect(data.readUInt32BE(4)).toBe((data.length - 8) / 16);
    return Array.from({ length: (data.length - 8) / 16 }, (_, i) => {
      expect(data.readUInt32BE(16 + 16 * i)).toBe(0);
      return [Number(data.readBigUInt64BE(8 + 16 * i)), data.readUInt32BE(20 + 16 * i)];
    });
  }

  it('tells holes and data, in 32 bits and in 64', async () => {
    const across = { offset: TIB - 1000, length: 5000 };
    for (const style of ['structured', 'extended'] as const) {
      for (const backend of [sparse, later(sparse)]) {
        expect(await status({ backend, style }, across)).toEqual([
          [1000, 3],
          [4000, 0],
        ]);
      }
    }
    expect(await status({ backend: sparse, style: 'extended' }, { offset: 5, length: 3 * TIB })).toEqual([
      [TIB - 5, 3],
      [TIB, 0],
      [TIB, 3],
      [5, 0],
    ]);
  });

  it('of 2^32-1 bytes, unaligned, does not wrap', async () => {
    const length = 0xffff_ffff;
    expect(await status({ backend: sparse }, { offset: 1, length })).toEqual([[length, 3]]);
    expect(await status({ backend: sparse }, { offset: 8 * TIB - length, length })).toEqual([[length, 0]]);
    const offset = TIB - 0xffff_fff0;
    expect(await status({ backend: sparse }, { offset, length })).toEqual(
      [
        [0xffff_fff0, 3],
        [15, 0],
      ]
        .filter(([bytes]) => bytes !== 0)
        .map((each, i) => (i === 1 ? [length - 0xffff_fff0, 0] : each)),
    );
  });

  it('with REQ_ONE is one extent, no longer than the request', async () => {
    const one = { offset: TIB - 1000, length: 5000, flags: CommandFlag.REQ_ONE };
    expect(await status({ backend: sparse }, one)).toEqual([[1000, 3]]);
    const long: Backend = { ...sparse, extents: () => [{ offset: 0, length: TIB, hole: true }] };
    expect(await status({ backend: long }, { length: 77, flags: CommandFlag.REQ_ONE })).toEqual([[77, 3]]);
    expect(await status({ backend: long }, { length: 77 })).toEqual([[77, 3]]);
  });

  it('of a backend that knows nothing is data', async () => {
    expect(await status({ backend: bufferBackend(pattern(9000)) }, { offset: 1, length: 8000 })).toEqual([[8000, 0]]);
  });

  it('is cut at 2^20 extents', async () => {
    const striped: Backend = {
      size: TIB,
      read: () => {},
      *extents(offset, length) {
        for (let at = offset; at < offset + length; at++) yield { offset: at, length: 1, hole: at % 2 === 0 };
      },
    };
    const runs = await status({ backend: striped }, { length: 3_000_000 });
    expect(runs).toHaveLength(2 ** 20);
    expect(runs.at(-1)).toEqual([1, 0]);
  });

  it('needs its context, a length and a place in the export', async () => {
    const one = { type: Command.BLOCK_STATUS, length: 10 };
    expect(await errorOf({ backend: sparse, hasAllocation: false }, one)).toBe(ErrorValue.EINVAL);
    expect(await errorOf({ backend: sparse }, { ...one, length: 0 })).toBe(ErrorValue.EINVAL);
    expect(await errorOf({ backend: sparse }, { ...one, offset: 8 * TIB - 9 })).toBe(ErrorValue.EINVAL);
    const throwing: Backend = {
      ...sparse,
      extents: () => {
        throw failing();
      },
    };
    expect(await errorOf({ backend: throwing }, one)).toBe(ErrorValue.EIO);
    const rejecting: Backend = { ...sparse, extents: async () => Promise.reject(failing('ENOMEM')) };
    expect(await errorOf({ backend: rejecting }, one)).toBe(ErrorValue.ENOMEM);
  });
});

describe('the table of errors', () => {
  const readOnly = bufferBackend(pattern(10_000));
  const writable = bufferBackend(pattern(10_000), { writable: true });
  const payload = Buffer.alloc(10);
  const BAD_FLAG = 1 << 9;
  const WORST = 0xffff_ffff_ffff_ffffn;
  const cases: [string, Backend, TestRequest, number][] = [
    ['write on read-only', readOnly, { type: Command.WRITE, payload }, ErrorValue.EPERM],
    ['trim on read-only', readOnly, { type: Command.TRIM, length: 10 }, ErrorValue.EPERM],
    ['zeroes on read-only', readOnly, { type: Command.WRITE_ZEROES, length: 10 }, ErrorValue.EPERM],
    ['read past the end', readOnly, { type: Command.READ, offset: 9_991, length: 10 }, ErrorValue.EINVAL],
    ['read far past the end', readOnly, { type: Command.READ, offset: WORST, length: 10 }, ErrorValue.EINVAL],
    ['write past the end', writable, { type: Command.WRITE, offset: 9_991, payload }, ErrorValue.ENOSPC],
    ['write far past the end', writable, { type: Command.WRITE, offset: WORST, payload }, ErrorValue.ENOSPC],
    ['trim past the end', writable, { type: Command.TRIM, offset: 9_991, length: 10 }, ErrorValue.EINVAL],
    ['zeroes past the end', writable, { type: Command.WRITE_ZEROES, offset: 9_991, length: 10 }, ErrorValue.ENOSPC],
    ['cache past the end', readOnly, { type: Command.CACHE, offset: 9_991, length: 10 }, ErrorValue.EINVAL],
    ['an unknown command', readOnly, { type: 8, length: 10 }, ErrorValue.EINVAL],
    ['an unknown command', writable, { type: 0xffff }, ErrorValue.EINVAL],
    ['an unknown flag on read', readOnly, { type: Command.READ, length: 10, flags: BAD_FLAG }, ErrorValue.EINVAL],
    ['an unknown flag on flush', readOnly, { type: Command.FLUSH, flags: BAD_FLAG }, ErrorValue.EINVAL],
    [
      'a flag of another command',
      readOnly,
      { type: Command.CACHE, length: 1, flags: CommandFlag.DF },
      ErrorValue.EINVAL,
    ],
    ['an unknown flag on write', writable, { type: Command.WRITE, payload, flags: CommandFlag.DF }, ErrorValue.EINVAL],
    ['a read that is too long', readOnly, { type: Command.READ, length: 33 * MIB }, ErrorValue.EOVERFLOW],
    [
      'fast zeroes that are not',
      { ...writable, zero: undefined } as unknown as Backend,
      { type: Command.WRITE_ZEROES, length: 10, flags: CommandFlag.FAST_ZERO },
      ErrorValue.ENOTSUP,
    ],
  ];

  it.each(cases)('%s', async (_, backend, one, error) => {
    for (const style of STYLES) {
      expect([style, await errorOf({ backend, style }, one)]).toEqual([style, error]);
      // The payload was passed over: the next request is understood.
      const { messages } = await exchange({ backend, style }, [one, { type: Command.FLUSH, cookie: 2 }]);
      expect(messages.find(({ cookie }) => cookie === 2n)?.error).toBe(0);
    }
  });

  it('FUA is accepted on any command', async () => {
    for (const type of [Command.READ, Command.FLUSH, Command.CACHE, Command.BLOCK_STATUS]) {
      const one = { type, length: type === Command.FLUSH ? 0 : 10, flags: CommandFlag.FUA };
      expect(await errorOf({ backend: readOnly }, one)).toBe(0);
    }
    for (const type of [Command.TRIM, Command.WRITE_ZEROES]) {
      expect(await errorOf({ backend: writable }, { type, length: 10, flags: CommandFlag.FUA })).toBe(0);
    }
  });

  it('a payload that is too long is passed over, or ends the connection where headers are extended', async () => {
    const backend = { ...writable, size: 200_000 };
    const limits = { payloadBytesMax: 65_536 };
    const one = { type: Command.WRITE, payload: Buffer.alloc(65_537) };
    const { messages } = await exchange({ backend, limits }, [one, { type: Command.FLUSH, cookie: 2 }], 5000);
    expect(messages.map(({ error }) => error)).toEqual([ErrorValue.EOVERFLOW, 0]);
    const { held } = await exchange({ backend, limits, style: 'extended' }, [one]);
    expect(held.port.failure?.code).toBe('payload-too-long');
  });

  it('what is not aligned to the smallest unit', async () => {
    const setting = { backend: bufferBackend(pattern(8192), { writable: true }), blockBytesMin: 512 };
    expect(await errorOf(setting, { type: Command.READ, offset: 512, length: 1024 })).toBe(0);
    expect(await errorOf(setting, { type: Command.READ, offset: 511, length: 512 })).toBe(ErrorValue.EINVAL);
    expect(await errorOf(setting, { type: Command.WRITE, payload: Buffer.alloc(511) })).toBe(ErrorValue.EINVAL);
    expect(await errorOf(setting, { type: Command.BLOCK_STATUS, offset: 1, length: 511 })).toBe(ErrorValue.EINVAL);
  });

  it('a magic that is none ends the connection', async () => {
    for (const style of STYLES) {
      const held = new MemorySession({ backend: readOnly, style });
      held.say(request({ type: Command.READ, length: 1, magic: 0x2560_9514 }, style === 'extended'));
      expect(held.port.failure?.code).toBe('bad-magic');
    }
    const compact = new MemorySession({ backend: readOnly, style: 'extended' });
    compact.say(Buffer.concat([request({ type: Command.FLUSH }), Buffer.alloc(10)]));
    expect(compact.port.failure?.code).toBe('bad-magic');
  });

  it('of extended headers: payload where none belongs, none where one does', async () => {
    const held = new MemorySession({ backend: writable, style: 'extended' });
    const WITH = CommandFlag.PAYLOAD_LEN;
    held.say(request({ type: Command.WRITE, length: 10 }, true));
    held.say(request({ type: Command.READ, cookie: 2, flags: WITH, payload: Buffer.alloc(33) }, true));
    held.say(request({ type: Command.BLOCK_STATUS, cookie: 3, flags: WITH, payload: Buffer.alloc(8) }, true));
    held.say(request({ type: Command.FLUSH, cookie: 4 }, true));
    await held.rest();
    const messages = new MessageParser('extended').push(held.port.bytes);
    expect(messages.map(({ cookie, error }) => [Number(cookie), error])).toEqual([
      [1, ErrorValue.EINVAL],
      [2, ErrorValue.EINVAL],
      [3, ErrorValue.EINVAL],
      [4, 0],
    ]);
  });

  it('of extended headers: lengths of 64 bits', async () => {
    const size = 2 ** 45;
    const calls: [string, number, number][] = [];
    const note = (name: string) => (offset: number, length: number) => void calls.push([name, offset, length]);
    const huge: Backend = {
      size,
      read: () => {},
      write: () => {},
      zero: note('zero'),
      trim: note('trim'),
      cache: note('cache'),
    };
    for (const type of [Command.WRITE_ZEROES, Command.TRIM, Command.CACHE]) {
      expect(await errorOf({ backend: huge, style: 'extended' }, { type, offset: 1, length: size - 1 })).toBe(0);
      const over = { type, offset: 2, length: size - 1 };
      expect(await errorOf({ backend: huge, style: 'extended' }, over)).not.toBe(0);
    }
    expect(calls).toEqual(['zero', 'trim', 'cache'].map((name) => [name, 1, size - 1]));
    const read = { type: Command.READ, length: 2 ** 40 };
    expect(await errorOf({ backend: huge, style: 'extended' }, read)).toBe(ErrorValue.EOVERFLOW);
  });
});

describe('writes', () => {
  it.each(STYLES)('arrive whole, with %s replies, in chunks of every size, now or later', async (style) => {
    const payload = pattern(300_000);
    for (const chunkBytes of [777, 4096, 65_536, 400_000]) {
      for (const isLater of [false, true]) {
        const disk = Buffer.alloc(500_000, 0xaa);
        const inner = bufferBackend(disk, { writable: true });
        const backend = isLater ? later(inner) : inner;
        const requests = [
          { type: Command.WRITE, cookie: 1, offset: 1000, payload },
          { type: Command.WRITE, cookie: 2, offset: 400_001, payload: payload.subarray(0, 99) },
          { type: Command.WRITE, cookie: 3, offset: 5, payload: Buffer.alloc(0) },
          { type: Command.WRITE, cookie: 4, offset: 0, payload: payload.subarray(5, 905) },
        ];
        const { messages } = await exchange({ backend, style }, requests, chunkBytes);
        expect(messages.map(({ error }) => error)).toEqual([0, 0, 0, 0]);
        const expected = Buffer.alloc(500_000, 0xaa);
        payload.copy(expected, 1000);
        payload.copy(expected, 400_001, 0, 99);
        payload.copy(expected, 0, 5, 905);
        expect([chunkBytes, disk.equals(expected)]).toEqual([chunkBytes, true]);
      }
    }
  });

  it('with FUA are flushed before they are answered', async () => {
    for (const isLater of [false, true]) {
      const log: string[] = [];
      const inner: Backend = {
        size: MIB,
        read: () => {},
        write: () => void log.push('write'),
        flush: () => void log.push('flush'),
      };
      const backend = isLater ? later(inner) : inner;
      const fua = CommandFlag.FUA;
      await exchange({ backend }, [{ type: Command.WRITE, payload: Buffer.alloc(10), flags: fua }]);
      expect(log).toEqual(['write', 'flush']);
      log.length = 0;
      await exchange({ backend }, [{ type: Command.WRITE, payload: Buffer.alloc(200_000), flags: fua }], 9000);
      expect(log).toEqual(['write', 'write', 'flush']);
      log.length = 0;
      await exchange({ backend }, [{ type: Command.WRITE_ZEROES, length: 10, flags: fua }]);
      expect(log).toEqual(['write', 'flush']);
      log.length = 0;
      await exchange({ backend }, [{ type: Command.FLUSH }]);
      expect(log).toEqual(['flush']);
    }
  });

  it('end their pieces at whole blocks', async () => {
    const pieces: [number, number][] = [];
    const backend: Backend = {
      size: MIB,
      read: () => {},
      write: (offset, source) => void pieces.push([offset, source.length]),
    };
    await exchange({ backend }, [{ type: Command.WRITE, offset: 100, payload: Buffer.alloc(300_000) }], 10_000);
    expect(pieces.reduce((sum, [, length]) => sum + length, 0)).toBe(300_000);
    for (const [offset] of pieces.slice(1)) expect(offset % 4096).toBe(0);
  });

  it('that fail are answered once, after their payload', async () => {
    const failures: Backend[] = [
      {
        size: MIB,
        read: () => {},
        write: () => {
          throw failing('ENOSPC');
        },
      },
      { size: MIB, read: () => {}, write: async () => Promise.reject(failing('ENOSPC')) },
    ];
    for (const backend of failures) {
      const { messages } = await exchange(
        { backend },
        [
          { type: Command.WRITE, payload: Buffer.alloc(600_000) },
          { type: Command.FLUSH, cookie: 2 },
        ],
        8000,
      );
      expect(messages.map(({ error }) => error).toSorted((a, b) => a - b)).toEqual([0, ErrorValue.ENOSPC]);
    }
  });

  it('that fail in one piece are answered when no other piece is being written any more', async () => {
    let finish: () => void = () => {};
    const backend: Backend = {
      size: MIB,
      read: () => {},
      write: (offset) => {
        if (offset > 0) throw failing();
        return new Promise((resolve) => {
          finish = resolve;
        });
      },
    };
    const held = new MemorySession({ backend });
    held.say(request({ type: Command.WRITE, payload: Buffer.alloc(200_000) }), 50_000);
    await held.rest();
    expect(held.port.sent).toEqual([]);
    finish();
    await held.rest();
    expect(new MessageParser('structured').push(held.port.bytes).map(({ error }) => error)).toEqual([ErrorValue.EIO]);
  });

  it('of zeros go the way the backend has', async () => {
    const disk = pattern(400_000);
    const whole = bufferBackend(disk, { writable: true });
    const backend: Backend = {
      size: whole.size,
      read: (offset, target) => whole.read(offset, target),
      write: (offset, source) => whole.write?.(offset, source),
    };
    expect(await errorOf({ backend }, { type: Command.WRITE_ZEROES, offset: 3, length: 300_000 })).toBe(0);
    expect(disk.subarray(3, 300_003).every((byte) => byte === 0)).toBe(true);
    expect(disk.subarray(300_003).equals(pattern(400_000).subarray(300_003))).toBe(true);
    const asked: unknown[] = [];
    const own: Backend = { ...backend, zero: (...args) => void asked.push(args) };
    const flags = CommandFlag.NO_HOLE | CommandFlag.FAST_ZERO;
    expect(await errorOf({ backend: own }, { type: Command.WRITE_ZEROES, length: 9, flags })).toBe(0);
    expect(asked).toEqual([[0, 9, { noHole: true, fast: true }]]);
  });
});

describe('back-pressure', () => {
  it('stops reading at the limit of requests in flight', async () => {
    const waiting: (() => void)[] = [];
    const backend: Backend = {
      size: MIB,
      read: async () => new Promise((resolve) => waiting.push(resolve)),
    };
    const held = new MemorySession({ backend, limits: { requestsInFlightMax: 8 } });
    for (let i = 0; i < 20; i++) held.say(request({ type: Command.READ, cookie: i, length: 100 }));
    await held.rest();
    expect(waiting).toHaveLength(8);
    expect(held.isHeldBack).toBe(true);
    while (waiting.length > 0) {
      waiting.shift()?.();
      await held.rest();
    }
    const messages = new MessageParser('structured').push(held.port.bytes);
    expect(messages).toHaveLength(20);
    expect(held.isHeldBack).toBe(false);
  });

  it('counts replies that the client does not take', async () => {
    const backend = later(bufferBackend(pattern(MIB)));
    const held = new MemorySession({ backend, limits: { requestsInFlightMax: 4 } });
    held.port.isSlow = true;
    for (let i = 0; i < 20; i++) held.say(request({ type: Command.READ, cookie: i, length: 1000 }));
    await held.rest();
    expect(held.port.writes.length).toBeLessThanOrEqual(4);
    for (let i = 0; i < 20; i++) {
      held.port.drain();
      await held.rest();
    }
    expect(new MessageParser('structured').push(held.port.bytes)).toHaveLength(20);
  });

  it('lets simple replies hold no more than one long payload too many', async () => {
    let reading = 0;
    const backend: Backend = {
      size: MIB,
      read: async () => {
        reading++;
        return new Promise(() => {});
      },
    };
    const held = new MemorySession({ backend, style: 'simple', limits: { payloadBytesMax: 262_144 } });
    for (let i = 0; i < 10; i++) held.say(request({ type: Command.READ, cookie: i, length: 200_000 }));
    await held.rest();
    expect(reading).toBe(2);
  });

  it('gives other connections a turn', async () => {
    const held = new MemorySession({ backend: bufferBackend(pattern(8 * MIB)) });
    held.say(request({ type: Command.READ, length: 8 * MIB }));
    expect(held.port.bytes.length).toBeLessThan(MIB);
    for (let i = 0; i < 10; i++) await held.rest();
    expect(held.port.bytes.length).toBeGreaterThan(8 * MIB);
  });

  it('replies out of order when a backend does', async () => {
    const waiting: (() => void)[] = [];
    const backend: Backend = {
      size: MIB,
      read: async () => new Promise((resolve) => waiting.push(resolve)),
    };
    const held = new MemorySession({ backend });
    for (let i = 0; i < 3; i++) held.say(request({ type: Command.READ, cookie: i, length: 100 }));
    await held.rest();
    for (const resolve of waiting.toReversed()) {
      resolve();
      await held.rest();
    }
    const cookies = new MessageParser('structured').push(held.port.bytes).map(({ cookie }) => Number(cookie));
    expect(cookies).toEqual([2, 1, 0]);
  });
});

describe('the end', () => {
  const backend = later(bufferBackend(pattern(MIB)));
  const READ = request({ type: Command.READ, length: 1000 });

  it('comes with DISC, after what is in flight, and what follows is not looked at', async () => {
    const held = new MemorySession({ backend });
    held.say(Buffer.concat([READ, request({ type: Command.DISC }), Buffer.alloc(50, 7)]));
    expect(held.port.isFinished).toBe(false);
    await held.rest();
    expect(held.port.isFinished).toBe(true);
    expect(new MessageParser('structured').push(held.port.bytes)).toHaveLength(1);
    expect(held.port.failure).toBeUndefined();
  });

  it('comes with a half-closed client after its replies, even in the middle of a request', async () => {
    for (const rest of [Buffer.alloc(0), READ.subarray(0, 10), request({ type: Command.WRITE, length: 50 })]) {
      const held = new MemorySession({ backend });
      held.say(Buffer.concat([READ, rest]));
      held.session.end();
      await held.rest();
      expect(held.port.isFinished).toBe(true);
      expect(new MessageParser('structured').push(held.port.bytes)[0]?.data).toHaveLength(1000);
    }
  });

  it('comes with the server: what is in flight is finished, what follows is refused', async () => {
    const held = new MemorySession({ backend, limits: { requestsInFlightMax: 1 } });
    held.say(Buffer.concat([READ, request({ type: Command.READ, cookie: 2, length: 10 })]));
    held.session.close();
    expect(held.port.isFinished).toBe(false);
    await held.rest();
    expect(held.port.isFinished).toBe(true);
    const messages = new MessageParser('structured').push(held.port.bytes);
    expect(messages.map(({ cookie, error }) => [cookie, error])).toEqual([
      [1n, 0],
      [2n, ErrorValue.ESHUTDOWN],
    ]);
  });

  it('waits for a client that has its replies to read', async () => {
    const held = new MemorySession({ backend: bufferBackend(pattern(MIB)) });
    held.port.isSlow = true;
    held.say(READ);
    held.session.end();
    await held.rest();
    expect(held.port.isFinished).toBe(false);
    held.port.drain();
    expect(held.port.isFinished).toBe(true);
  });

  it('is at once for an idle client when the server stops', () => {
    const held = new MemorySession({ backend });
    held.session.close();
    expect(held.port.isFinished).toBe(true);
  });

  it('of a client that is gone leaves the backend alone, when it is done', async () => {
    let reads = 0;
    let finish: () => void = () => {};
    const slow: Backend = {
      size: MIB,
      write: async () => new Promise(() => {}),
      read: async () => {
        reads++;
        return new Promise((resolve) => {
          finish = resolve;
        });
      },
    };
    const held = new MemorySession({ backend: slow });
    held.say(request({ type: Command.READ, length: 1_000_000 }));
    await held.rest();
    held.session.abort();
    let isIdle = false;
    void held.session.idle().then(() => {
      isIdle = true;
    });
    await held.rest();
    expect(isIdle).toBe(false);
    finish();
    await held.rest();
    expect(isIdle).toBe(true);
    expect(reads).toBe(1);
    expect(held.port.sent).toEqual([]);
  });
});

describe('magics and places of fields', () => {
  it('are those of the protocol', async () => {
    const backend = bufferBackend(Buffer.from('abc'));
    const raw = async (style: ReplyStyle): Promise<Buffer> =>
      (await exchange({ backend, style }, [{ type: Command.READ, cookie: 9, offset: 1, length: 2 }])).held.port.bytes;
    expect(await raw('simple')).toEqual(Buffer.concat([u32(0x67446698), u32(0), u64(9), Buffer.from('bc')]));
    expect(await raw('structured')).toEqual(
      Buffer.concat([u32(0x668e33ef), u32(0x0001_0001), u64(9), u32(10), u64(1), Buffer.from('bc')]),
    );
    expect(await raw('extended')).toEqual(
      Buffer.concat([u32(0x6e8a278c), u32(0x0001_0001), u64(9), u64(1), u64(10), u64(1), Buffer.from('bc')]),
    );
  });
});
