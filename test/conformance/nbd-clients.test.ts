import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Backend, Extent } from '../../src/nbd/backend.ts';
import { bufferBackend } from '../../src/nbd/backends/buffer-backend.ts';
import { fileBackend } from '../../src/nbd/backends/file-backend.ts';
import { NbdServer } from '../../src/nbd/server.ts';
import { nbdUri } from '../../src/nbd/uri.ts';
import { startServer } from '../helpers/nbd-socket.ts';
import { nbdsh, tool, toolOutput } from '../helpers/nbd-tools.ts';
import { scratch } from '../helpers/scratch.ts';
import { requireTools } from '../helpers/tools.ts';

const MIB = 1 << 20;

/** Data, a hole of 2 MiB at 1 MiB, and data again, with the hole told. */
function sparse(isWritable: boolean): { bytes: Buffer; backend: Backend } {
  const bytes = Buffer.from(Uint8Array.from({ length: 4 * MIB }, (_, i) => (i * 17 + (i >> 12)) | 1));
  bytes.fill(0, MIB, 3 * MIB);
  const extents = (offset: number, length: number): Extent[] =>
    [
      { offset: 0, length: MIB, hole: false },
      { offset: MIB, length: 2 * MIB, hole: true },
      { offset: 3 * MIB, length: MIB, hole: false },
    ]
      .filter((extent) => extent.offset < offset + length && extent.offset + extent.length > offset)
      .map((extent) => ({ ...extent }));
  const backend = bufferBackend(bytes, { writable: isWritable });
  return { bytes, backend: isWritable ? backend : { ...backend, extents } };
}

async function serve(isWritable = false): Promise<{ uri: string; path: string; bytes: Buffer }> {
  const { bytes, backend } = sparse(isWritable);
  const second = { name: 'ünïcode/2', description: 'the second', backend: bufferBackend(Buffer.alloc(512)) };
  const { path } = await startServer({ exports: [{ name: 'disk', description: 'a disk', backend }, second] });
  return { uri: nbdUri({ kind: 'unix', path }), path, bytes };
}

describe.skipIf(!requireTools('nbdinfo', 'nbdcopy'))('libnbd', () => {
  it('nbdinfo sees what is offered', async () => {
    const { uri } = await serve();
    const info = JSON.parse(await toolOutput('nbdinfo', ['--json', uri]));
    expect(info).toMatchObject({ protocol: 'newstyle-fixed', structured: true });
    expect(info.exports[0]).toMatchObject({
      description: 'a disk',
      'export-size': 4 * MIB,
      contexts: ['base:allocation'],
      is_read_only: true,
      can_cache: true,
      can_df: true,
      can_flush: true,
      can_fua: true,
      can_multi_conn: true,
      can_trim: false,
      can_zero: false,
      block_size_minimum: 1,
      block_size_preferred: 4096,
      block_size_maximum: 32 * MIB,
    });
    const writable = JSON.parse(await toolOutput('nbdinfo', ['--json', (await serve(true)).uri]));
    expect(writable.exports[0]).toMatchObject({
      is_read_only: false,
      can_trim: true,
      can_zero: true,
      can_fast_zero: true,
    });
  });

  it('nbdinfo lists exports and finds them by their address', async () => {
    const { uri, path } = await serve();
    const { exports } = JSON.parse(await toolOutput('nbdinfo', ['--json', '--list', uri]));
    expect(exports.map((each: Record<string, unknown>) => each['export-name'])).toEqual(['disk', 'ünïcode/2']);
    const second = nbdUri({ kind: 'unix', path }, 'ünïcode/2');
    expect(await toolOutput('nbdinfo', ['--size', second])).toBe('512\n');
    expect((await tool('nbdinfo', ['--size', nbdUri({ kind: 'unix', path }, 'nothing')])).status).not.toBe(0);
  });

  it('nbdinfo maps holes', async () => {
    const { uri } = await serve();
    const map = JSON.parse(await toolOutput('nbdinfo', ['--json', '--map', uri]));
    expect(map.map(({ offset, length, type }: Record<string, number>) => [offset, length, type])).toEqual([
      [0, MIB, 0],
      [MIB, 2 * MIB, 3],
      [3 * MIB, MIB, 0],
    ]);
  });

  it('nbdcopy reads everything, with several connections and several request sizes', async () => {
    const { uri, bytes } = await serve();
    const file = join(scratch(), 'copy');
    const ways = [
      [],
      ['--connections=4', '--requests=64'],
      ['--synchronous'],
      ['--request-size=32768'],
      ['--no-extents'],
    ];
    for (const way of ways) {
      await toolOutput('nbdcopy', [...way, uri, file]);
      expect([way, readFileSync(file).equals(bytes)]).toEqual([way, true]);
    }
  });

  it('nbdcopy writes everything', async () => {
    const { uri, bytes } = await serve(true);
    const source = join(scratch(), 'source');
    const wanted = Buffer.from(bytes.map((byte, i) => (i % 65_536 < 40_000 ? byte ^ 0x5a : 0)));
    writeFileSync(source, wanted);
    await toolOutput('nbdcopy', ['--flush', '--connections=2', source, uri]);
    expect(bytes.equals(wanted)).toBe(true);
    await toolOutput('nbdcopy', ['null:', '--destination-is-zero', uri]).catch(() => '');
  });

  it('is served over TCP too', async () => {
    const { bytes, backend } = sparse(false);
    const server = new NbdServer({ exports: [{ name: 'disk', backend }] });
    onTestFinished(() => server.close());
    const uri = nbdUri(await server.listenTcp({ port: 0 }), 'disk');
    const file = join(scratch(), 'copy');
    await toolOutput('nbdcopy', [uri, file]);
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });
});

describe.skipIf(!requireTools('nbdsh'))('nbdsh with strict mode off', () => {
  const connect = 'h.add_meta_context("base:allocation"); h.set_strict_mode(0); h.connect_unix(path)';
  const attempt = [
    'def attempt(what):',
    '  try:',
    '    what()',
    '    return "ok"',
    '  except nbd.Error as ex:',
    '    return errno.errorcode.get(ex.errnum, ex.errnum)',
  ].join('\n');

  it('is told what is illegal, and goes on', async () => {
    const { path } = await serve();
    const script = `${connect}\n${attempt}
size = h.get_size()
print(attempt(lambda: h.pwrite(b'x' * 512, 0)))
print(attempt(lambda: h.trim(512, 0)))
print(attempt(lambda: h.zero(512, 0)))
print(attempt(lambda: h.pread(512, size)))
print(attempt(lambda: h.pread(512, size - 511)))
print(attempt(lambda: h.pread(512, 2 ** 63)))
print(attempt(lambda: h.cache(512, size)))
print(attempt(lambda: h.pread(512, 0, 0x200)))
print(attempt(lambda: h.block_status(512, size, lambda *a: 0)))
print(attempt(lambda: h.pread(33 * 1024 * 1024, 0)))
print(attempt(lambda: h.pread(512, 7)))
print(attempt(lambda: h.flush(nbd.CMD_FLAG_FUA)))`;
    expect((await nbdsh(path, script)).split('\n')).toEqual([
      'EPERM',
      'EPERM',
      'EPERM',
      'EINVAL',
      'EINVAL',
      'EINVAL',
      'EINVAL',
      'EINVAL',
      'EINVAL',
      'EOVERFLOW',
      'ok',
      'ok',
    ]);
  });

  it('is told what a writable export refuses', async () => {
    const { path, bytes } = await serve(true);
    const script = `${connect}\n${attempt}
size = h.get_size()
print(attempt(lambda: h.pwrite(b'x' * 512, size)))
print(attempt(lambda: h.pwrite(b'x' * 512, size - 1)))
print(attempt(lambda: h.zero(512, size)))
print(attempt(lambda: h.trim(512, size)))
print(attempt(lambda: h.pwrite(b'x' * 511, 3, nbd.CMD_FLAG_FUA)))
print(attempt(lambda: h.zero(100, 0, nbd.CMD_FLAG_NO_HOLE | nbd.CMD_FLAG_FAST_ZERO)))
print(attempt(lambda: h.trim(100, 4096)))
print(attempt(lambda: h.pwrite(b'', 0)))
print(h.pread(8, 96) == b'\\0\\0\\0\\0xxxx')`;
    expect((await nbdsh(path, script)).split('\n')).toEqual([
      'ENOSPC',
      'ENOSPC',
      'ENOSPC',
      'EINVAL',
      'ok',
      'ok',
      'ok',
      'ok',
      'True',
    ]);
    expect(bytes.subarray(100, 514)).toEqual(Buffer.alloc(414, 'x'));
  });

  it('sees extents of odd ranges', async () => {
    const { path } = await serve();
    const script = `${connect}
def status(count, offset, flags=0):
  found = []
  h.block_status(count, offset, lambda context, at, entries, error: found.append(list(entries)), flags)
  return found
print(status(4 * 1024 * 1024, 0))
print(status(2 * 1024 * 1024 + 1, 1024 * 1024 - 1))
print(status(2 * 1024 * 1024, 1024 * 1024 - 1, nbd.CMD_FLAG_REQ_ONE))
print(status(100, 1024 * 1024 + 7))`;
    expect((await nbdsh(path, script)).split('\n')).toEqual([
      '[[1048576, 0, 2097152, 3, 1048576, 0]]',
      '[[1, 0, 2097152, 3]]',
      '[[1, 0]]',
      '[[100, 3]]',
    ]);
  });

  it('gets data and holes as chunks, or one chunk with DF', async () => {
    const { path } = await serve();
    const script = `${connect}
def chunks(count, offset, flags=0):
  found = []
  h.pread_structured(count, offset, lambda data, at, status, error: found.append((at, len(data), status)), flags)
  return found
print(chunks(8192, 1024 * 1024))
print(chunks(20000, 1024 * 1024 - 4096, nbd.CMD_FLAG_DF))
print(chunks(20480, 1024 * 1024 - 4096))`;
    expect((await nbdsh(path, script)).split('\n')).toEqual([
      '[(1048576, 8192, 2)]',
      '[(1044480, 20000, 1)]',
      '[(1044480, 4096, 1), (1048576, 16384, 2)]',
    ]);
  });

  it('negotiates in the order it likes, and asks for what does not exist', async () => {
    const { path } = await serve();
    const script = `h.set_opt_mode(True); h.connect_unix(path)
print(h.opt_list(lambda name, description: 0))
h.set_export_name('nothing')
for what in (h.opt_info, h.opt_go):
  try:
    what()
    print('ok')
  except nbd.Error:
    print('refused')
h.set_export_name('disk')
h.add_meta_context('base:')
print(h.opt_list_meta_context(lambda name: print(name)))
h.opt_info()
print(h.get_size())
h.opt_go()
print(h.can_meta_context('base:allocation'), len(h.pread(100, 0)))
h.shutdown()`;
    expect((await nbdsh(path, script)).split('\n')).toEqual([
      '2',
      'refused',
      'refused',
      'base:allocation',
      '1',
      '4194304',
      'False 100',
    ]);
  });

  it('works without structured replies, and with EXPORT_NAME', async () => {
    const { path } = await serve();
    const script = `h.set_request_structured_replies(False); h.set_handshake_flags(0); h.connect_unix(path)
print(h.get_protocol(), h.get_structured_replies_negotiated(), h.can_df(), len(h.pread(3000000, 5)))
h.shutdown()`;
    expect(await nbdsh(path, script)).toBe('newstyle False False 3000000');
  });
});

describe.skipIf(!requireTools('qemu-img', 'qemu-io', 'qemu-nbd'))('QEMU', () => {
  it('lists, compares, maps and converts', async () => {
    const { uri, path, bytes } = await serve();
    const file = join(scratch(), 'raw');
    writeFileSync(file, bytes);
    expect(await toolOutput('qemu-nbd', ['-L', '-k', path])).toContain('exports available: 2');
    expect(await toolOutput('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', uri, file])).toContain('identical');
    const map = JSON.parse(await toolOutput('qemu-img', ['map', '--output=json', '-f', 'raw', uri]));
    expect(map).toMatchObject([
      { start: 0, length: MIB, data: true },
      { start: MIB, length: 2 * MIB, data: false, zero: true },
      { start: 3 * MIB, length: MIB, data: true },
    ]);
    await toolOutput('qemu-img', ['convert', '-f', 'raw', '-O', 'raw', uri, `${file}2`]);
    expect(readFileSync(`${file}2`).equals(bytes)).toBe(true);
  });

  it('reads, writes, discards and flushes', async () => {
    const { uri, bytes } = await serve(true);
    const commands = [
      'write -P 0xcd 1M 64k',
      'write -f -P 0xce 12345 777',
      'read -P 0xcd 1M 64k',
      'write -z 32k 8k',
      'discard 100k 4k',
      'flush',
      'aio_write -P 1 2M 1M',
      'aio_flush',
      'read -P 1 2M 1M',
    ];
    const output = await toolOutput('qemu-io', ['-f', 'raw', ...commands.flatMap((each) => ['-c', each]), uri]);
    expect(output).not.toContain('verification failed');
    expect(bytes.subarray(12_345, 13_122)).toEqual(Buffer.alloc(777, 0xce));
    expect(bytes.subarray(32_768, 40_960)).toEqual(Buffer.alloc(8192));
  });

  it('puts qcow2 on top', async () => {
    const { uri, bytes } = await serve();
    const before = Buffer.from(bytes);
    const overlay = join(scratch(), 'overlay.qcow2');
    await toolOutput('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', uri, '-F', 'raw', overlay]);
    await toolOutput('qemu-io', ['-c', 'write -P 9 0 64k', '-c', 'read -P 9 0 64k', '-c', 'read -P 0 1M 2M', overlay]);
    expect(bytes.equals(before)).toBe(true);
  });
});

describe.skipIf(!requireTools('nbdkit'))("nbdkit's nbd plugin", () => {
  it('reads through filters', async () => {
    const { uri, bytes } = await serve();
    const file = join(scratch(), 'copy');
    const run = `nbdcopy "$uri" ${file}`;
    await toolOutput('nbdkit', [
      '-U',
      '-',
      '--filter=checkwrite',
      '--filter=stats',
      'nbd',
      uri,
      'statsfile=/dev/null',
      '--run',
      `nbdinfo --size "$uri"`,
    ]);
    await toolOutput('nbdkit', ['-U', '-', '--filter=cow', 'nbd', `uri=${uri}`, '--run', run]);
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });
});

describe.skipIf(!requireTools('nbd-client'))('nbd-client', () => {
  it('lists', async () => {
    const { path } = await serve();
    const { stdout } = await tool('nbd-client', ['-l', '-unix', path]);
    expect(stdout).toContain('disk');
  });
});

describe.skipIf(!requireTools('fio'))('fio', () => {
  it('verifies what it wrote with 16 requests in flight', async () => {
    const file = join(scratch(), 'file');
    writeFileSync(file, Buffer.alloc(8 * MIB));
    const { path } = await startServer({ exports: [{ name: '', backend: fileBackend(file, { writable: true }) }] });
    const job = ['--name=x', '--ioengine=nbd', `--uri=${nbdUri({ kind: 'unix', path })}`, '--rw=randwrite', '--bs=4k'];
    const { status, stdout } = await tool('fio', [
      ...job,
      '--iodepth=16',
      '--verify=crc32c',
      '--size=8m',
      '--thread',
      '--verify_state_save=0',
    ]);
    expect(stdout).toMatch(/err= 0/);
    expect(status).toBe(0);
  });
});
