import { Readable } from 'node:stream';
import fc from 'fast-check';
import { extract, type Header, pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { byteString, bytesOf, utf8ByteString } from '../../src/core/bytes.ts';
import { EntryType, type LayerEntry } from '../../src/core/layer/entry.ts';
import { contentOf, readTarBytes, readTarEveryWay, readTarStream } from '../helpers/tar-driver.ts';
import { makeTar, type PaxPair, type TarEntry } from '../helpers/tar-writer.ts';

const TYPES = {
  file: EntryType.file,
  directory: EntryType.directory,
  symlink: EntryType.symlink,
  hardlink: EntryType.hardLink,
  character: EntryType.characterDevice,
  block: EntryType.blockDevice,
  fifo: EntryType.fifo,
} as const;

const byte = fc.integer({ min: 1, max: 255 }).filter((value) => value !== 0x2f);
const component = fc
  .array(byte, { minLength: 1, maxLength: 60 })
  .map((bytes) => String.fromCharCode(...bytes))
  .filter((name) => name !== '.' && name !== '..');
const path = fc.array(component, { minLength: 1, maxLength: 6 }).map((components) => components.join('/'));
const owner = fc.oneof(fc.integer({ min: 0, max: 65535 }), fc.integer({ min: 0, max: 2 ** 32 - 2 }));
const mtime = fc.oneof(fc.integer({ min: 0, max: 2 ** 33 }), fc.integer({ min: -(2 ** 40), max: 2 ** 40 }));
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const xattrs = fc.dictionary(fc.stringMatching(/^(user|trusted|security)\.[a-z.]{1,20}$/), bytes(300), {
  maxKeys: 4,
  noNullPrototype: true,
});

const entryArbitrary: fc.Arbitrary<TarEntry> = fc
  .record({
    format: fc.constantFrom('gnu' as const, 'pax' as const),
    type: fc.constantFrom(...(Object.keys(TYPES) as (keyof typeof TYPES)[])),
    name: path,
    linkName: path,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: owner,
    gid: owner,
    mtime,
    data: bytes(2000),
    deviceMajor: fc.integer({ min: 0, max: 4095 }),
    deviceMinor: fc.integer({ min: 0, max: 1048575 }),
    xattrs,
  })
  .map((entry) => ({
    ...entry,
    data: entry.type === 'file' ? entry.data : '',
    linkName: entry.type === 'symlink' || entry.type === 'hardlink' ? entry.linkName : '',
  }));

/** What `entry` must be read as. */
function expected({ name, type = 'file', linkName, mode, uid, gid, mtime: seconds, data, ...rest }: TarEntry): object {
  const isDevice = type === 'character' || type === 'block';
  return {
    path: name,
    type: TYPES[type as keyof typeof TYPES],
    linkPath: linkName,
    mode,
    uid,
    gid,
    mtimeSeconds: seconds,
    mtimeNanoseconds: 0,
    size: data?.length,
    deviceMajor: isDevice ? rest.deviceMajor : 0,
    deviceMinor: isDevice ? rest.deviceMinor : 0,
    xattrs: Object.entries(rest.xattrs ?? {}).map(([xattr, value]) => ({ name: xattr, value })),
  };
}

describe('any tar of the test writer', () => {
  it('is read as it was written', () => {
    const property = fc.property(
      fc.array(entryArbitrary, { maxLength: 12 }),
      fc.integer({ min: 1, max: 3000 }),
      (written, chunk) => {
        const tar = makeTar(written);
        const read = readTarBytes(tar);
        expect(read).toMatchObject(written.map(expected));
        expect(read.map((entry) => contentOf(tar, entry))).toEqual(
          written.map(({ data }) => (typeof data === 'string' ? bytesOf(data) : data)),
        );
        expect(readTarStream(tar, chunk)).toEqual(read);
      },
    );
    fc.assert(property, { numRuns: 150 });
  });

  it('keeps the holes of its sparse files in every form', () => {
    const segments = fc
      .array(fc.tuple(fc.nat(10_000), fc.integer({ min: 1, max: 700 })), { maxLength: 50 })
      .map((gaps) => {
        let end = 0;
        return gaps.map(([gap, length]) => {
          const offset = end + gap;
          end = offset + length;
          return { offset, length };
        });
      });
    const form = fc.constantFrom('gnu' as const, '0.0' as const, '0.1' as const, '1.0' as const);
    const property = fc.property(form, segments, fc.nat(10_000), (kind, map, tail) => {
      const size = (map.at(-1)?.offset ?? 0) + (map.at(-1)?.length ?? 0) + tail;
      const data = Uint8Array.from({ length: map.reduce((sum, { length }) => sum + length, 0) }, (_, i) => i % 255);
      const tar = makeTar([{ name: 'file', data, sparse: { form: kind, size, segments: map } }, { name: 'next' }]);
      const [file, next] = readTarBytes(tar);
      expect(file).toMatchObject({ path: 'file', size, segments: map });
      expect(Buffer.from(tar.buffer, file?.dataOffset, data.length).equals(data)).toBe(true);
      expect(next?.path).toBe('next');
    });
    fc.assert(property, { numRuns: 100 });
  });
});

/** What tar-stream can say about an entry, from either side. */
interface Common {
  readonly name: string;
  readonly type: Header['type'];
  readonly linkname: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly seconds: number;
  readonly content: string;
}

const STREAM_TYPES = {
  [EntryType.file]: 'file',
  [EntryType.directory]: 'directory',
  [EntryType.symlink]: 'symlink',
  [EntryType.hardLink]: 'link',
  [EntryType.characterDevice]: 'character-device',
  [EntryType.blockDevice]: 'block-device',
  [EntryType.fifo]: 'fifo',
} as const;

function ours(tar: Uint8Array): Common[] {
  return readTarEveryWay(tar).map((entry: LayerEntry) => ({
    name: entry.path,
    type: STREAM_TYPES[entry.type as keyof typeof STREAM_TYPES],
    linkname: entry.linkPath,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    seconds: entry.mtimeSeconds,
    content: byteString(contentOf(tar, entry)),
  }));
}

async function theirs(tar: Uint8Array): Promise<Common[]> {
  const found: Common[] = [];
  const parser = extract();
  Readable.from([Buffer.from(tar)]).pipe(parser);
  for await (const entry of parser) {
    const { name, type, linkname, mode, uid, gid, mtime: time } = entry.header;
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    found.push({
      name: utf8ByteString(name.replace(/\/$/, '')),
      type,
      linkname: utf8ByteString(linkname ?? ''),
      mode: mode ?? -1,
      uid: uid ?? -1,
      gid: gid ?? -1,
      seconds: (time?.getTime() ?? -1) / 1000,
      content: byteString(Buffer.concat(chunks)),
    });
  }
  return found;
}

describe('tar-stream', () => {
  const utf8Component = fc.stringMatching(/^[a-zA-Z0-9_äé日]{1,40}$/);
  const utf8Path = fc.array(utf8Component, { minLength: 1, maxLength: 8 }).map((components) => components.join('/'));
  const headers = fc.record({
    type: fc.constantFrom(...Object.values(STREAM_TYPES)),
    name: utf8Path,
    linkname: utf8Path,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 0o7777777 }),
    gid: fc.integer({ min: 0, max: 0o7777777 }),
    // tar-stream wraps later times at 32 bits.
    mtime: fc.integer({ min: 0, max: 2 ** 31 - 1 }).map((seconds) => new Date(seconds * 1000)),
  });

  it('and this reader read the same in the tars that tar-stream writes', async () => {
    const property = fc.asyncProperty(fc.array(fc.tuple(headers, bytes(1500)), { maxLength: 6 }), async (entries) => {
      const packer = pack();
      for (const [{ linkname, ...header }, data] of entries) {
        const isLink = header.type === 'symlink' || header.type === 'link';
        packer.entry({ ...header, ...(isLink ? { linkname } : {}) }, header.type === 'file' ? Buffer.from(data) : '');
      }
      packer.finalize();
      const chunks: Buffer[] = [];
      for await (const chunk of packer) chunks.push(chunk as Buffer);
      const tar = new Uint8Array(Buffer.concat(chunks));
      expect(ours(tar)).toEqual(await theirs(tar));
      expect(ours(tar)).toHaveLength(entries.length);
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('and this reader read the same in the tars that the test writer makes', async () => {
    const property = fc.asyncProperty(fc.array(fc.tuple(headers, bytes(1500)), { maxLength: 6 }), async (entries) => {
      const tar = makeTar(
        entries.map(([{ type, name, linkname, mtime: time, ...header }, data]): TarEntry => {
          const isLink = type === 'symlink' || type === 'link';
          const pax: PaxPair[] = [['comment', 'beside the point']];
          return {
            ...header,
            type:
              type === 'link'
                ? 'hardlink'
                : type === 'character-device'
                  ? 'character'
                  : type === 'block-device'
                    ? 'block'
                    : type,
            name: utf8ByteString(name),
            linkName: isLink ? utf8ByteString(linkname) : '',
            mtime: time.getTime() / 1000,
            data: type === 'file' ? data : '',
            pax,
          };
        }),
      );
      expect(ours(tar)).toEqual(await theirs(tar));
    });
    await fc.assert(property, { numRuns: 60 });
  });
});
