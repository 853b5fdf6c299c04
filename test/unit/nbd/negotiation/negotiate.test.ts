import { describe, expect, it } from 'vitest';
import type { Export } from '../../../../src/nbd/backend.ts';
import { bufferBackend } from '../../../../src/nbd/backends/buffer-backend.ts';
import { Info, Option, Reply, TransmissionFlag } from '../../../../src/nbd/protocol.ts';
import { type Negotiated, type NegotiationCase, negotiateInMemory } from '../../../helpers/nbd-memory.ts';
import {
  clientFlags,
  contextData,
  infoData,
  option,
  optionReplies,
  text,
  u16,
  u32,
} from '../../../helpers/nbd-wire.ts';

const READ_ONLY =
  TransmissionFlag.HAS_FLAGS |
  TransmissionFlag.READ_ONLY |
  TransmissionFlag.SEND_FLUSH |
  TransmissionFlag.SEND_FUA |
  TransmissionFlag.SEND_CACHE |
  TransmissionFlag.CAN_MULTI_CONN;

const disk: Export = { name: 'disk', description: 'a disk', backend: bufferBackend(new Uint8Array(5000)) };
const other: Export = {
  name: 'other',
  backend: bufferBackend(new Uint8Array(4096), { writable: true }),
  blockBytesMin: 512,
};
const secret: Export = { name: 'secret', backend: bufferBackend(new Uint8Array(512)), tlsOnly: true };
const plain: NegotiationCase = { exports: [disk, other] };

/** What is said after the flags 3. */
function say(setting: NegotiationCase, ...options: Uint8Array[]): Negotiated {
  return negotiateInMemory(setting, Buffer.concat([clientFlags(), ...options]));
}

/** The types of all replies, errors by name. */
function types({ sent }: Negotiated): string[] {
  const names = Object.fromEntries(Object.entries(Reply).map(([name, value]) => [value, name]));
  return optionReplies(sent).map(({ type }) => names[type] ?? String(type));
}

function flagsOf(result: Negotiated): number {
  const info = optionReplies(result.sent).find(
    ({ type, data }) => type === Reply.INFO && data.readUInt16BE(0) === Info.EXPORT,
  );
  return info?.data.readUInt16BE(10) ?? -1;
}

const GO = option(Option.GO, infoData('disk'));
const STRUCTURED = option(Option.STRUCTURED_REPLY);
const EXTENDED = option(Option.EXTENDED_HEADERS);

describe('the greeting', () => {
  it('offers fixed newstyle without zeroes', () => {
    expect(say(plain).greeting.toString('latin1')).toBe('NBDMAGICIHAVEOPT\0\x03');
  });

  it.each([4, 8, 0x8000_0000, 0xffff_ffff])('drops a client with the flags %d', (flags) => {
    expect(negotiateInMemory(plain, clientFlags(flags)).failure?.code).toBe('client-flags');
  });

  it('lets a client without fixed newstyle choose an export and nothing else', () => {
    const chosen = negotiateInMemory(plain, Buffer.concat([clientFlags(0), option(1, Buffer.from('disk'))]));
    expect(chosen.outcome).toMatchObject({ entry: disk });
    for (const type of [Option.LIST, Option.ABORT, Option.GO, Option.STARTTLS, 99]) {
      const result = negotiateInMemory(plain, Buffer.concat([clientFlags(2), option(type)]));
      expect(result.failure?.code, `option ${type}`).toBe('option-order');
    }
  });
});

describe('EXPORT_NAME', () => {
  const EXPORT_NAME = option(Option.EXPORT_NAME, Buffer.from('disk'));

  it('is answered with size and flags, and 124 zeros unless the client does without', () => {
    const short = say(plain, EXPORT_NAME).sent;
    expect(short.readBigUInt64BE(0)).toBe(5000n);
    expect(short.readUInt16BE(8)).toBe(READ_ONLY);
    expect(short.length).toBe(10);
    const long = negotiateInMemory(plain, Buffer.concat([clientFlags(1), EXPORT_NAME])).sent;
    expect(long).toEqual(Buffer.concat([short, Buffer.alloc(124)]));
  });

  it('takes the empty name for the default export', () => {
    expect(say(plain, option(Option.EXPORT_NAME)).outcome).toMatchObject({ entry: disk });
    const named = { exports: [disk, { ...other, name: '' }] };
    expect(say(named, option(Option.EXPORT_NAME)).outcome).toMatchObject({ entry: named.exports[1] });
  });

  it.each([Buffer.from('nothing'), Buffer.from([0xff]), Buffer.from('disk\0'), Buffer.alloc(4097, 'x')])(
    'ends the connection for a name that is none (%#)',
    (name) => {
      const result = say(plain, option(Option.EXPORT_NAME, name));
      expect(result.failure?.code).toBe('unknown-export');
      expect(result.sent.length).toBe(0);
    },
  );

  it('is forbidden after extended headers', () => {
    expect(say(plain, EXTENDED, EXPORT_NAME).failure?.code).toBe('option-order');
  });
});

describe('ABORT', () => {
  it('is acknowledged whatever data it has', () => {
    for (const data of [Buffer.alloc(0), Buffer.alloc(70_000, 1)]) {
      const result = say(plain, option(Option.ABORT, data));
      expect(types(result)).toEqual(['ACK']);
      expect(result.outcome).toBeUndefined();
      expect(result.failure).toBeUndefined();
    }
  });
});

describe('LIST', () => {
  it('names every export with its description', () => {
    const replies = optionReplies(say(plain, option(Option.LIST)).sent);
    expect(replies.map(({ data }) => data.toString('latin1'))).toEqual(['\0\0\0\x04diska disk', '\0\0\0\x05other', '']);
  });

  it('has no data', () => {
    expect(types(say(plain, option(Option.LIST, Buffer.from('x')), GO))).toEqual(['ERR_INVALID', 'INFO', 'ACK']);
  });
});

describe('INFO and GO', () => {
  it('always tell size and flags, the rest once when asked, unknown numbers never', () => {
    const wanted = [Info.BLOCK_SIZE, Info.NAME, Info.DESCRIPTION, Info.NAME, 77, Info.EXPORT];
    const result = say(plain, option(Option.INFO, infoData('disk', wanted)));
    const infos = optionReplies(result.sent).filter(({ type }) => type === Reply.INFO);
    const byType = new Map(infos.map(({ data }) => [data.readUInt16BE(0), data.subarray(2)]));
    expect(infos.length).toBe(4);
    expect(byType.get(Info.EXPORT)?.readBigUInt64BE(0)).toBe(5000n);
    expect(byType.get(Info.NAME)?.toString()).toBe('disk');
    expect(byType.get(Info.DESCRIPTION)?.toString()).toBe('a disk');
    expect(byType.get(Info.BLOCK_SIZE)).toEqual(Buffer.concat([u32(1), u32(4096), u32(32 << 20)]));
    expect(result.outcome).toBe('waiting');
  });

  it('tell the canonical name and the smallest unit of the export', () => {
    const result = say(plain, option(Option.GO, infoData('', [Info.NAME])));
    expect(optionReplies(result.sent)[1]?.data.subarray(2).toString()).toBe('disk');
    const sizes = say(plain, option(Option.GO, infoData('other', [Info.BLOCK_SIZE])));
    expect(optionReplies(sizes.sent)[1]?.data.readUInt32BE(2)).toBe(512);
  });

  it('agree with each other', () => {
    const both = say(
      plain,
      STRUCTURED,
      option(Option.INFO, infoData('disk', [1, 2, 3])),
      option(Option.GO, infoData('disk', [1, 2, 3])),
    );
    const [, ...replies] = optionReplies(both.sent);
    const told = (type: number): Buffer[] => replies.filter((reply) => reply.option === type).map(({ data }) => data);
    expect(told(Option.INFO)).toEqual(told(Option.GO));
  });

  it('keep the session when they fail', () => {
    const bad = [
      infoData('nothing'),
      infoData('disk').subarray(0, 3),
      Buffer.alloc(0),
      Buffer.concat([text('disk'), u16(2), u16(1)]),
      Buffer.concat([infoData('disk'), u16(0)]),
      Buffer.concat([u32(0xffff_ffff), Buffer.from('disk'), u16(0)]),
      infoData('di\0sk'),
      Buffer.concat([u32(1), Buffer.from([0x80]), u16(0)]),
      infoData('x'.repeat(4097)),
    ];
    const result = say(plain, ...bad.map((data) => option(Option.GO, data)), GO);
    expect(types(result)).toEqual([
      'ERR_UNKNOWN',
      ...Array.from({ length: 7 }, () => 'ERR_INVALID'),
      'ERR_TOO_BIG',
      'INFO',
      'ACK',
    ]);
    expect(result.outcome).toMatchObject({ entry: disk, style: 'simple' });
  });

  it('tell of DF only when replies can be fragmented, and what a writable export can do', () => {
    expect(flagsOf(say(plain, GO))).toBe(READ_ONLY);
    expect(flagsOf(say(plain, STRUCTURED, GO))).toBe(READ_ONLY | TransmissionFlag.SEND_DF);
    expect(flagsOf(say(plain, EXTENDED, GO))).toBe(READ_ONLY | TransmissionFlag.SEND_DF);
    const writing = TransmissionFlag.SEND_TRIM | TransmissionFlag.SEND_WRITE_ZEROES | TransmissionFlag.SEND_FAST_ZERO;
    const writable = option(Option.GO, infoData('other'));
    expect(flagsOf(say(plain, writable))).toBe((READ_ONLY & ~TransmissionFlag.READ_ONLY) | writing);
  });

  it('answer when the backend cannot be opened', () => {
    const broken: Export = {
      name: 'broken',
      backend: () => {
        throw new Error('no');
      },
    };
    expect(types(say({ exports: [broken, disk] }, option(Option.GO, infoData('broken')), GO))).toEqual([
      'ERR_UNKNOWN',
      'INFO',
      'ACK',
    ]);
  });

  it('open a backend of a connection once, and only for a client that asks for the export', () => {
    const opener: Export = { name: 'mine', backend: () => bufferBackend(new Uint8Array(512), { writable: true }) };
    const setting = { exports: [opener, disk] };
    const unrelated = [
      option(Option.LIST),
      STRUCTURED,
      option(Option.SET_META_CONTEXT, contextData('mine', ['base:'])),
    ];
    expect(say(setting, ...unrelated).effects).toEqual([]);
    const info = option(Option.INFO, infoData('mine'));
    expect(say(setting, info, info, option(Option.GO, infoData('mine'))).effects).toEqual(['open mine']);
    expect(say(setting, info, option(Option.INFO, infoData('disk'))).effects).toEqual([
      'open mine',
      'close',
      'open disk',
    ]);
    expect(flagsOf(say(setting, info)) & TransmissionFlag.CAN_MULTI_CONN).toBe(0);
  });
});

describe('STRUCTURED_REPLY and EXTENDED_HEADERS', () => {
  it('choose the style of replies, extended over structured', () => {
    expect(say(plain, STRUCTURED, GO).outcome).toMatchObject({ style: 'structured' });
    expect(say(plain, STRUCTURED, EXTENDED, GO).outcome).toMatchObject({ style: 'extended' });
    const late = say(plain, EXTENDED, STRUCTURED, GO);
    expect(types(late)).toEqual(['ACK', 'ERR_EXT_HEADER_REQD', 'INFO', 'ACK']);
    expect(late.outcome).toMatchObject({ style: 'extended' });
  });

  it('have no data', () => {
    const result = say(plain, option(8, Buffer.from('x')), option(11, Buffer.from('x')), GO);
    expect(types(result)).toEqual(['ERR_INVALID', 'ERR_INVALID', 'INFO', 'ACK']);
    expect(result.outcome).toMatchObject({ style: 'simple' });
  });
});

describe('LIST_META_CONTEXT', () => {
  const list = (...queries: string[]): string[] =>
    optionReplies(say(plain, option(Option.LIST_META_CONTEXT, contextData('disk', queries))).sent).map(({ data }) =>
      data.toString('latin1'),
    );

  it('tells of base:allocation, once, when everything or it is asked for', () => {
    const answer = ['\0\0\0\0base:allocation', ''];
    expect(list()).toEqual(answer);
    expect(list('base:')).toEqual(answer);
    expect(list('base:allocation', 'qemu:dirty-bitmap', 'base:', 'base:allocation')).toEqual(answer);
    expect(list('qemu:', 'x-y:', 'base:nothing', 'no colon', '')).toEqual(['']);
  });
});

describe('SET_META_CONTEXT', () => {
  const set = (name: string, ...queries: string[]): Buffer =>
    option(Option.SET_META_CONTEXT, contextData(name, queries));

  it('needs structured replies or extended headers', () => {
    const result = say(plain, set('disk', 'base:allocation'), GO);
    expect(types(result)).toEqual(['ERR_INVALID', 'INFO', 'ACK']);
    expect(result.outcome).toMatchObject({ hasAllocation: false });
    expect(say(plain, EXTENDED, set('disk', 'base:allocation'), GO).outcome).toMatchObject({ hasAllocation: true });
  });

  it('selects base:allocation by its name only, once', () => {
    const result = say(plain, STRUCTURED, set('disk', 'base:allocation', 'x:y', 'base:allocation'), GO);
    expect(types(result)).toEqual(['ACK', 'META_CONTEXT', 'ACK', 'INFO', 'ACK']);
    expect(optionReplies(result.sent)[1]?.data.readUInt32BE(0)).toBeGreaterThan(0);
    expect(result.outcome).toMatchObject({ hasAllocation: true });
    const wildcard = say(plain, STRUCTURED, set('disk', 'base:'), GO);
    expect(types(wildcard)).toEqual(['ACK', 'ACK', 'INFO', 'ACK']);
    expect(wildcard.outcome).toMatchObject({ hasAllocation: false });
  });

  it('holds for the export it names, under either of its names', () => {
    expect(say(plain, STRUCTURED, set('other', 'base:allocation'), GO).outcome).toMatchObject({ hasAllocation: false });
    expect(say(plain, STRUCTURED, set('', 'base:allocation'), GO).outcome).toMatchObject({ hasAllocation: true });
  });

  it('forgets what was selected before, also when it fails', () => {
    const chosen = set('disk', 'base:allocation');
    for (const next of [set('disk'), set('nothing'), option(Option.SET_META_CONTEXT, Buffer.from('xx'))]) {
      expect(say(plain, STRUCTURED, chosen, next, GO).outcome).toMatchObject({ hasAllocation: false });
    }
  });

  it('refuses data that is cut off, goes on too long, or is too much', () => {
    const whole = contextData('disk', ['base:allocation', 'base:']);
    for (let length = 0; length < whole.length; length++) {
      const result = say(plain, STRUCTURED, option(Option.SET_META_CONTEXT, whole.subarray(0, length)));
      expect(types(result), `${length} bytes`).toEqual(['ACK', 'ERR_INVALID']);
    }
    const longer = option(Option.SET_META_CONTEXT, Buffer.concat([whole, Buffer.alloc(1)]));
    expect(types(say(plain, STRUCTURED, longer))).toEqual(['ACK', 'ERR_INVALID']);
    const many = option(Option.SET_META_CONTEXT, Buffer.concat([text('disk'), u32(0xffff_ffff)]));
    expect(types(say(plain, STRUCTURED, many))).toEqual(['ACK', 'ERR_INVALID']);
    const huge = option(Option.SET_META_CONTEXT, contextData('disk', Array<string>(70_000).fill('base:')));
    expect(types(say(plain, STRUCTURED, huge, GO))).toEqual(['ACK', 'ERR_TOO_BIG', 'INFO', 'ACK']);
  });
});

describe('options that are not supported', () => {
  it.each([Option.PEEK_EXPORT, 0, 12, 99, 0xffff_ffff])('%d is answered and its data passed over', (type) => {
    const result = say(plain, option(type, Buffer.alloc(100_000, 0x49)), GO);
    expect(types(result)).toEqual(['ERR_UNSUP', 'INFO', 'ACK']);
    expect(result.left).toBe(0);
  });
});

describe('TLS', () => {
  const TLS = option(Option.STARTTLS);
  const secure: NegotiationCase = { exports: [disk, secret], tls: 'on' };
  const forced: NegotiationCase = { exports: [disk], tls: 'require' };

  it('is refused where there is none', () => {
    expect(types(say(plain, TLS, GO))).toEqual(['ERR_POLICY', 'INFO', 'ACK']);
  });

  it('begins once, and without data', () => {
    const result = say(secure, option(Option.STARTTLS, Buffer.from('x')), TLS, TLS, GO);
    expect(types(result)).toEqual(['ERR_INVALID', 'ACK', 'ERR_INVALID', 'INFO', 'ACK']);
    expect(result.effects).toEqual(['tls', 'open disk']);
  });

  it('wipes what was agreed on before', () => {
    const before = [
      STRUCTURED,
      option(Option.SET_META_CONTEXT, contextData('disk', ['base:allocation'])),
      option(Option.INFO, infoData('disk')),
    ];
    const result = say(secure, ...before, TLS, GO);
    expect(result.outcome).toMatchObject({ style: 'simple', hasAllocation: false });
    expect(result.effects).toEqual(['open disk', 'close', 'tls', 'open disk']);
    const extended = say(secure, EXTENDED, TLS, option(Option.EXPORT_NAME, Buffer.from('disk')));
    expect(extended.outcome).toMatchObject({ style: 'simple' });
  });

  it('that is required refuses everything before it, with its data passed over', () => {
    const data = Buffer.alloc(70_000);
    const early = [Option.LIST, Option.INFO, Option.GO, 8, 9, 10, 11, Option.PEEK_EXPORT, 99];
    const result = say(forced, ...early.map((type) => option(type, data)), TLS, GO);
    expect(types(result)).toEqual([...early.map(() => 'ERR_TLS_REQD'), 'ACK', 'INFO', 'ACK']);
    expect(result.effects).toEqual(['tls', 'open disk']);
    expect(types(say(forced, option(Option.ABORT)))).toEqual(['ACK']);
    expect(say(forced, option(Option.EXPORT_NAME, Buffer.from('disk'))).failure?.code).toBe('option-order');
  });

  it('hides the exports that need it from clients without, whether they are there or not', () => {
    const unencrypted = say(secure, option(Option.LIST));
    expect(optionReplies(unencrypted.sent).map(({ data }) => data.subarray(4, 8).toString())).toEqual(['disk', '']);
    const ask = (name: string): Buffer[] => [
      option(Option.INFO, infoData(name)),
      option(Option.GO, infoData(name)),
      STRUCTURED,
      option(Option.LIST_META_CONTEXT, contextData(name, [])),
      option(Option.SET_META_CONTEXT, contextData(name, ['base:allocation'])),
    ];
    const hidden = say(secure, ...ask('secret'));
    expect(types(hidden)).toEqual(['ERR_TLS_REQD', 'ERR_TLS_REQD', 'ACK', 'ERR_UNKNOWN', 'ERR_UNKNOWN']);
    expect(hidden.sent).toEqual(say(secure, ...ask('nobody')).sent);
    expect(say(secure, option(Option.EXPORT_NAME, Buffer.from('secret'))).failure?.code).toBe('unknown-export');
    expect(say(secure, TLS, option(Option.GO, infoData('secret'))).outcome).toMatchObject({ entry: secret });
    expect(types(say(secure, TLS, option(Option.GO, infoData('nobody'))))).toEqual(['ACK', 'ERR_UNKNOWN']);
  });
});

describe('limits', () => {
  it('drop an option with too much data on its header', () => {
    const limits = { optionBytesMax: 1000 };
    expect(say({ ...plain, limits }, option(99, Buffer.alloc(1000))).failure).toBeUndefined();
    const result = say({ ...plain, limits }, option(99, Buffer.alloc(0), 1001));
    expect(result.failure?.code).toBe('option-too-long');
    expect(say(plain, option(99, Buffer.alloc(0), 0xffff_ffff)).failure?.code).toBe('option-too-long');
    expect(say(plain, option(Option.GO, Buffer.alloc(0), (32 << 20) + 1)).failure?.code).toBe('option-too-long');
  });

  it('end a negotiation of too many options', () => {
    const limits = { optionsMax: 5 };
    const many = (count: number): Buffer[] => Array.from({ length: count }, () => option(99));
    expect(say({ ...plain, limits }, ...many(4), GO).outcome).toMatchObject({ entry: disk });
    expect(say({ ...plain, limits }, ...many(5), GO).failure?.code).toBe('option-limit');
    expect(say(plain, ...many(64)).failure?.code).toBe('option-limit');
  });

  it('end a connection that does not speak the protocol', () => {
    const result = negotiateInMemory(plain, Buffer.concat([clientFlags(), Buffer.from('GET / HTTP/1.0\r\n')]));
    expect(result.failure?.code).toBe('bad-magic');
  });
});

describe('a server that is stopping', () => {
  it('says so to everything but ABORT', () => {
    const closing = { ...plain, isClosing: () => true };
    const result = say(closing, GO, option(Option.LIST), option(99, Buffer.alloc(5)), option(Option.ABORT));
    expect(types(result)).toEqual(['ERR_SHUTDOWN', 'ERR_SHUTDOWN', 'ERR_SHUTDOWN', 'ACK']);
    expect(say(closing, option(Option.EXPORT_NAME)).failure).toBeDefined();
  });
});

describe('texts for clients', () => {
  it('are short and never the name that was asked for', () => {
    const name = 'you-will-never-see-this'.repeat(100);
    const result = say(plain, option(Option.GO, infoData(name)), option(Option.INFO, infoData(name)), option(99));
    for (const { data } of optionReplies(result.sent)) {
      expect(data.length).toBeLessThan(200);
      expect(data.length).toBeGreaterThan(0);
      expect(data.toString()).not.toContain('never');
    }
  });
});

describe('chunks', () => {
  it('of every size make the same conversation', () => {
    const said = Buffer.concat([
      clientFlags(),
      option(Option.LIST),
      option(99, Buffer.alloc(33, 7)),
      STRUCTURED,
      option(Option.SET_META_CONTEXT, contextData('disk', ['base:allocation', 'x:'])),
      option(Option.INFO, infoData('disk', [1, 2, 3])),
      option(Option.GO, infoData('disk', [3])),
    ]);
    const whole = negotiateInMemory(plain, said);
    expect(whole.outcome).toMatchObject({ entry: disk, hasAllocation: true });
    for (let size = 1; size < said.length; size++) expect(negotiateInMemory(plain, said, size)).toEqual(whole);
  });

  it('that end anywhere leave the server waiting', () => {
    const said = Buffer.concat([clientFlags(), option(99, Buffer.alloc(9)), GO]);
    for (let length = 0; length < said.length; length++) {
      const result = negotiateInMemory(plain, said.subarray(0, length));
      expect(result.outcome, `${length} bytes`).toBe('waiting');
      expect(result.failure).toBeUndefined();
    }
  });
});
