import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { report } from '../../src/cli/failure.ts';
import { openImage } from '../../src/image/open-image.ts';
import { writeImage } from '../../src/sinks/file-sink.ts';
import { blockloom } from '../helpers/cli.ts';
import { scratch } from '../helpers/scratch.ts';
import { concat, makeTar, setChecksum, type TarEntry } from '../helpers/tar-writer.ts';
import { e2fsck, requireTools, run } from '../helpers/tools.ts';
import { zstdFrame } from '../helpers/zstd-writer.ts';
import { random } from '../helpers/random.ts';

const SEED = Number(process.env['BLOCKLOOM_SEED'] ?? 20100101);
/** Damaged layers of each kind that are built; more find more. */
const ROUNDS = Number(process.env['BLOCKLOOM_FUZZ_ROUNDS'] ?? 60);

const LOWER = makeTar([
  { name: 'a/b' },
  { name: 'link', type: 'symlink', linkName: 'a' },
  { name: 'c', data: 'lower' },
]);
/** Entries of every kind that a layer can have. */
const UPPER = makeTar([
  { name: 'a/', mtime: 5, uid: 2 ** 31 },
  { name: 'a/.wh.b' },
  { name: 'link/x', data: 'x'.repeat(1500), xattrs: { 'user.a': 'b\0c\n' } },
  { name: 'acl', pax: [['SCHILY.acl.access', 'user::rw-,user:5:r--,group::r--,mask::r--,other::---']] },
  { name: `${'n'.repeat(150)}/x`, type: 'symlink', linkName: 'l'.repeat(120), format: 'gnu', mtime: -1 },
  { name: 'hard', type: 'hardlink', linkName: 'c' },
  { name: 'dev', type: 'block', deviceMajor: 8, deviceMinor: 1 },
  { name: 'd/.wh..wh..opq' },
  ...(['gnu', '0.1', '1.0'] as const).map((form) => ({
    name: form,
    data: 'abcdefgh',
    sparse: { form, size: 9000, segments: Array.from({ length: 8 }, (_, i) => ({ offset: 1000 * i, length: 1 })) },
  })),
]);

/** Cut, or with a few bytes changed, or with a part repeated; a tar's checksums are made right again more often than not. */
function damage(bytes: Uint8Array, next: (below: number) => number): Uint8Array {
  if (next(4) === 0) return bytes.slice(0, next(bytes.length));
  const damaged = bytes.slice();
  if (next(4) === 0) damaged.copyWithin(next(bytes.length), next(bytes.length), next(bytes.length));
  for (let change = next(3); change >= 0; change--) {
    const at = next(damaged.length);
    damaged[at] = next(2) === 0 ? next(256) : ' 0123456789=,\n\0xgLKS'.charCodeAt(next(20));
    const block = at - (at % 512);
    if (damaged[block + 257] === 0x75 && next(4) > 0) setChecksum(damaged.subarray(block, block + 512));
  }
  return damaged;
}

const filesIn = (path: string): string[] => (existsSync(path) ? readdirSync(path) : []);

/** What `report` prints is one line, of characters that do nothing to a terminal. */
const ONE_LINE = /^blockloom: layer 1\P{Cc}*$/u;

describe.skipIf(!requireTools('e2fsck', 'xz', 'zstd'))('a build of damaged layers', () => {
  const PACKED = new Map<string, Uint8Array>();
  beforeAll(() => {
    PACKED.set('tar', UPPER);
    PACKED.set('gzip', gzipSync(UPPER));
    PACKED.set('xz', run('xz', ['-c'], { input: UPPER }));
    PACKED.set('zstd', run('zstd', ['-c'], { input: UPPER }));
    PACKED.set('stored zstd', zstdFrame(UPPER, { checksum: true }));
  });
  afterEach(() => vi.restoreAllMocks());

  it.each(['tar', 'gzip', 'xz', 'zstd', 'stored zstd'])(
    'of %s makes an image that is sound, or nothing',
    async (kind) => {
      const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
      const directory = scratch();
      const [lower, upper] = [join(directory, 'lower'), join(directory, 'upper')];
      const [output, cache] = [join(directory, 'output'), join(directory, 'cache')];
      writeFileSync(lower, LOWER);
      mkdirSync(output);
      const next = random(SEED);
      const packed = PACKED.get(kind) ?? LOWER;
      const rounds = kind === 'tar' ? 4 * ROUNDS : ROUNDS;
      let refused = 0;
      for (let round = 0; round < rounds; round++) {
        writeFileSync(upper, damage(packed, next));
        said.mockClear();
        const status = await build([lower, upper], join(output, 'image'), cache);
        expect(readdirSync(output), `round ${round}`).toEqual(status === 0 ? ['image'] : []);
        if (status === 0) e2fsck(join(output, 'image'));
        else refused++;
        const isInOneLine = said.mock.calls.length === 1 && ONE_LINE.test(String(said.mock.calls[0]?.[0]));
        const outcome = `round ${round}: ${status} ${JSON.stringify(said.mock.calls)}`;
        expect(status === 0 || (status === 3 && isInOneLine), outcome).toBe(true);
        rmSync(join(output, 'image'), { force: true });
      }
      expect(refused).toBeGreaterThan(rounds / 10);
      expect(filesIn(join(cache, 'staging'))).toEqual([]);
    },
  );

  async function build(layers: string[], path: string, cache: string): Promise<number> {
    try {
      const image = await openImage({ layers, cache });
      try {
        await writeImage(image, path);
      } finally {
        image.close();
      }
      return 0;
    } catch (error) {
      return report(error, false);
    }
  }
});

const HALF_GIB = 2 ** 29;
const FILE: TarEntry = { name: 'file', data: 'content '.repeat(1000) };
const TAR = makeTar([FILE]);

function changed(bytes: Uint8Array, at: number, ...values: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, at < 0 ? bytes.length + at : at);
  return copy;
}

/** An entry whose header says another size than it has. */
function sized(bytes: bigint, entry: Partial<TarEntry> = {}): TarEntry {
  const edit = (header: Uint8Array): void => {
    header.fill(0, 124, 136);
    new DataView(header.buffer, header.byteOffset).setBigUint64(128, bytes);
    header[124] = 0x80;
  };
  return { name: 'file', data: 'x', edit, ...entry };
}

/** Layers that are wrong in one way each, and a word of why. */
const HOSTILE: readonly (readonly [what: string, layer: () => Uint8Array, why: RegExp])[] = [
  ['no tar', () => Buffer.from('#!/bin/sh\n'.repeat(100)), /tar/],
  ['bzip2', () => Buffer.from(`BZh9${'1AY&SY'.repeat(100)}`), /bzip2/],
  ['a tar cut in a file', () => TAR.subarray(0, 3000), /end/],
  ['a tar cut in a header', () => TAR.subarray(0, 300), /./],
  ['a wrong checksum', () => changed(makeTar([FILE, FILE]), 8192 + 512 + 3, 0x41), /checksum/],
  ['a type that nobody knows', () => makeTar([{ ...FILE, type: 'Z' }]), /type/],
  ['a file of 8 EiB', () => makeTar([sized(2n ** 63n - 1n)]), /./],
  ['a file of 4 TiB that is not there', () => makeTar([sized(2n ** 42n)]), /./],
  ['extended headers of 1 TiB', () => makeTar([sized(2n ** 40n, { type: 'x' }), FILE]), /./],
  ['a long name of 1 GiB', () => makeTar([sized(2n ** 30n, { type: 'L', format: 'gnu' }), FILE]), /./],
  ['a record longer than its header', () => makeTar([{ ...FILE, rawPax: '999999999999 path=x\n' }]), /./],
  ['segments without number', () => makeTar([{ ...FILE, pax: sparse('999999999', '0,1') }]), /./],
  ['segments out of order', () => makeTar([{ ...FILE, pax: sparse('2', '9,1,0,1') }]), /./],
  ['a way out', () => makeTar([{ name: 'a/../../etc/passwd' }]), /root/],
  ['a hard link out', () => makeTar([{ name: 'a', type: 'hardlink', linkName: '../../etc/passwd' }]), /root/],
  ['a hard link to nothing', () => makeTar([{ name: 'a', type: 'hardlink', linkName: 'b' }]), /./],
  ['hard links to each other', () => makeTar([link('a', 'b'), link('b', 'a')]), /./],
  ['a name with NUL', () => makeTar([{ ...FILE, pax: [['path', 'a\0b']] }]), /./],
  ['a name of 256 bytes', () => makeTar([{ name: 'x'.repeat(256) }]), /255/],
  ['a name that speaks to terminals', () => makeTar([{ name: '\x1b[2J\r\n\x9b1m', type: 'Z' }]), /type/],
  ['a loop of symlinks', () => makeTar([symlink('a', 'b'), symlink('b', 'a'), { name: 'a/file' }]), /./],
  ['a whiteout of nothing', () => makeTar([{ name: 'a/.wh.' }]), /./],
  ['an owner over 32 bits', () => makeTar([{ ...FILE, pax: [['uid', '99999999999']] }]), /./],
  ['xattrs over 64 KiB', () => makeTar([{ ...FILE, xattrs: { 'user.a': 'x'.repeat(70_000) } }]), /./],
  ['gzip cut', () => gzipSync(TAR).subarray(0, -9), /gzip/],
  ['gzip with another checksum', () => changed(gzipSync(TAR), -8, 1, 2, 3, 4), /gzip/],
  ['gzip and garbage', () => concat([gzipSync(TAR), Buffer.from('garbage')]), /./],
  ['xz cut', () => run('xz', ['-c'], { input: TAR }).subarray(0, -20), /xz/],
  ['xz damaged', () => changed(run('xz', ['-c'], { input: TAR }), 60, 0, 0, 0), /xz/],
  ['zstd cut', () => run('zstd', ['-c'], { input: TAR }).subarray(0, -5), /zstd/],
  ['zstd with another checksum', () => changed(run('zstd', ['-c'], { input: TAR }), -4, 1, 2, 3, 4), /zstd/],
  ['zstd with a window of 1 TiB', () => zstdFrame(TAR, { window: 30 << 3 }), /zstd/],
  ['zstd that declares 1 PiB', () => zstdFrame(TAR, { declaredBytes: 2 ** 50 }), /./],
  [
    'zeros without end in zstd',
    () => run('sh', ['-c', `head -c ${HALF_GIB} /dev/zero | zstd -qc`]).subarray(0, -3),
    /zstd/,
  ],
];

function sparse(count: string, map: string): NonNullable<TarEntry['pax']> {
  return [
    ['GNU.sparse.size', '10'],
    ['GNU.sparse.numblocks', count],
    ['GNU.sparse.map', map],
  ];
}

function link(name: string, linkName: string): TarEntry {
  return { name, type: 'hardlink', linkName };
}

function symlink(name: string, linkName: string): TarEntry {
  return { name, type: 'symlink', linkName };
}

/** In KiB and seconds; a build of a good layer takes a third of that. */
const MEMORY_MAX = 300_000;
const SECONDS_MAX = 60;

describe.skipIf(!requireTools('xz', 'zstd', 'timeout'))('the command line', () => {
  /** Builds in bounded time, and says how much memory it took at most, in KiB. */
  function build(layer: Uint8Array): { folder: string; memory: number } & ReturnType<typeof blockloom> {
    const [folder, tools] = [scratch(), scratch()];
    const [node, hook, memory] = [join(tools, 'node'), join(tools, 'hook.cjs'), join(tools, 'memory')];
    const note = `require('fs').writeFileSync('${memory}', String(process.resourceUsage().maxRSS))`;
    writeFileSync(hook, `process.on('exit', () => ${note});\n`);
    const command = `exec timeout ${SECONDS_MAX} '${process.execPath}' --require '${hook}' "$@"`;
    writeFileSync(node, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
    writeFileSync(join(folder, 'layer'), layer);
    const result = blockloom(['build', 'layer', '-o', 'image'], { cwd: folder, node });
    return { folder, ...result, memory: Number(readFileSync(memory, 'latin1')) };
  }

  it('builds a good layer within these bounds', () => {
    const { status, stderr, memory } = build(TAR);
    expect([status, stderr]).toEqual([0, '']);
    expect(memory).toBeLessThan(MEMORY_MAX);
  });

  it.each(HOSTILE)('refuses %s in one line and leaves nothing', (_, layer, why) => {
    const { folder, memory, status, stdout, stderr } = build(layer());
    expect(stderr).toMatch(/^blockloom: layer 0\P{Cc}*\n$/u);
    expect(stderr).toMatch(why);
    expect(stderr.length).toBeLessThan(500);
    expect([status, stdout]).toEqual([3, '']);
    expect(memory).toBeLessThan(MEMORY_MAX);
    expect(readdirSync(folder).filter((name) => name !== '.cache')).toEqual(['layer']);
    expect(filesIn(join(folder, '.cache/blockloom/staging'))).toEqual([]);
    expect(filesIn(join(folder, '.cache/blockloom/blobs/sha256'))).toEqual([]);
  });
});
