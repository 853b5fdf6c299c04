import { type BigIntStats, readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ImageError } from '../../src/core/errors.ts';
import type { ImageOptions } from '../../src/image/options.ts';
import { buildCase, planCase } from '../helpers/image-case.ts';
import { mountImage, unmount, walkMounted, xattrsOfMounted } from '../helpers/mount.ts';
import type { TarEntry } from '../helpers/tar-writer.ts';
import { debugfs, e2fsck, requireTools, run } from '../helpers/tools.ts';

const isReady = requireTools('e2fsck', 'debugfs', 'mount', 'getfattr', 'getfacl', 'root');

/** An image that is clean, mounted. */
async function mountCase(layer: readonly TarEntry[], options: ImageOptions = {}) {
  const made = await buildCase([layer], options);
  e2fsck(made.path);
  const mounted = mountImage(made.path);
  const stats = Object.fromEntries(walkMounted(mounted).map(({ path, stat }) => [path, stat]));
  return { ...made, mounted, stats };
}

const refusal = (layer: readonly TarEntry[], options: ImageOptions = {}): Promise<ImageError> =>
  planCase([layer], options).then(
    () => expect.unreachable('it was planned'),
    (error: unknown) => error as ImageError,
  );

const owners = (stats: Readonly<Record<string, BigIntStats>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(stats).map(([path, { uid, gid, mode }]) => [path, [Number(uid), Number(gid), mode.toString(8)]]),
  );

describe.skipIf(!isReady)('owners, modes and devices', () => {
  it('are kept', async () => {
    const { stats } = await mountCase([
      { name: 'max', uid: 4294967294, gid: 4294967293, mode: 0o7777 },
      { name: 'low', uid: 65535, gid: 65536, mode: 0 },
      { name: 'd/', uid: 1, gid: 2, mode: 0o1777 },
      { name: 'l', type: 'symlink', linkName: 'x', uid: 3, gid: 4, mode: 0o777 },
    ]);
    expect(owners(stats)).toEqual({
      d: [1, 2, '41777'],
      l: [3, 4, '120777'],
      low: [65535, 65536, '100000'],
      max: [4294967294, 4294967293, '107777'],
    });
  });

  it('give way to an owner and a mask', async () => {
    const layer = [
      { name: 'a', uid: 5, mode: 0o6777 },
      { name: 'd/e', mode: 0o666 },
      { name: 'l', type: 'symlink', linkName: 'a', mode: 0o777 },
    ];
    const { stats } = await mountCase(layer, { owner: { uid: 7, gid: 8 }, chmodMask: 0o4022 });
    expect(owners(stats)).toEqual({
      a: [7, 8, '102755'],
      d: [7, 8, '40755'],
      'd/e': [7, 8, '100644'],
      l: [7, 8, '120777'],
    });
  });

  it('has devices of both encodings, fifos', async () => {
    const numbers = [
      [1, 3],
      [255, 255],
      [0, 0],
      [256, 0],
      [0, 256],
      [4095, 1048575],
      [8, 0x12345],
      [0x123, 0x45],
    ] as const;
    const layer = numbers.flatMap(([deviceMajor, deviceMinor]) => [
      { name: `c${deviceMajor},${deviceMinor}`, type: 'character', deviceMajor, deviceMinor },
      { name: `b${deviceMajor},${deviceMinor}`, type: 'block', deviceMajor, deviceMinor },
    ]);
    const { stats } = await mountCase([...layer, { name: 'fifo', type: 'fifo' }]);
    for (const [major, minor] of numbers) {
      const makedev = (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) * 2 ** 12);
      expect(Number(stats[`c${major},${minor}`]!.rdev)).toBe(makedev >>> 0);
      expect(stats[`b${major},${minor}`]!.isBlockDevice()).toBe(true);
      expect(Number(stats[`b${major},${minor}`]!.rdev)).toBe(makedev >>> 0);
    }
    expect(stats.fifo!.isFIFO()).toBe(true);
  });
});

describe.skipIf(!isReady)('times', () => {
  const SECONDS_MAX = 15032385535;
  const times: [name: string, mtime: string, seconds: number, nanoseconds: number][] = [
    ['before', '-1', -1, 0],
    ['fraction', '-0.000000001', -1, 999_999_999],
    ['first', '-2147483648', -2147483648, 0],
    ['zero', '0', 0, 0],
    ['last of 31 bits', '2147483647.999999999', 2147483647, 999_999_999],
    ['of 32 bits', '2147483648', 2147483648, 0],
    ['past 32 bits', '4294967296.5', 4294967296, 500_000_000],
    ['last of 2446', `${SECONDS_MAX}.123456789`, SECONDS_MAX, 123_456_789],
  ];

  it('are kept with their nanoseconds', async () => {
    const { stats, warnings } = await mountCase(
      times.map(([name, mtime]) => ({ name, mtime })),
      { mtime: 'keep' },
    );
    for (const [name, , seconds, nanoseconds] of times) {
      const expected = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
      const { mtimeNs, atimeNs, ctimeNs, birthtimeNs } = stats[name]!;
      expect([name, mtimeNs, atimeNs, ctimeNs, birthtimeNs]).toEqual([name, expected, expected, expected, expected]);
    }
    expect(warnings).toEqual([]);
  });

  it('outside of what ext4 holds become the nearest, with one warning', async () => {
    const layer = [
      { name: 'd/early', mtime: '-2147483648.000000001' },
      { name: 'late', mtime: String(SECONDS_MAX + 1) },
      { name: 'very late', mtime: '9007199254740991' },
    ];
    const { stats, warnings } = await mountCase(layer, { mtime: 'keep' });
    expect(stats['d/early']!.mtimeNs).toBe(-2147483648n * 1_000_000_000n);
    expect(stats.late!.mtimeNs).toBe(BigInt(SECONDS_MAX) * 1_000_000_000n);
    expect(stats['very late']!.mtimeNs).toBe(BigInt(SECONDS_MAX) * 1_000_000_000n);
    expect(warnings).toEqual([
      'layer 0, entry d/early, and 2 more: a time outside 1901-12-13 to 2446-05-10 is clamped, as ext4 cannot hold it',
    ]);
    expect((await planCase([layer])).warnings).toEqual([]);
  });

  it('are the epoch, or at most the epoch', async () => {
    const layer = [
      { name: 'd/old', mtime: '5.5' },
      { name: 'new', mtime: '1500000000' },
    ];
    const fixed = await mountCase(layer);
    for (const { mtimeNs } of Object.values(fixed.stats)) expect(mtimeNs).toBe(1_262_304_000_000_000_000n);
    const { stats } = await mountCase(layer, { mtime: 'clamp', sourceDateEpoch: 1_400_000_000 });
    expect([stats['d/old']!.mtimeNs, stats.new!.mtimeNs, stats.d!.mtimeNs]).toEqual([
      5_500_000_000n,
      1_400_000_000_000_000_000n,
      1_400_000_000_000_000_000n,
    ]);
    const far = await mountCase(layer, { mtime: SECONDS_MAX });
    expect(far.stats.new!.mtimeNs).toBe(BigInt(SECONDS_MAX) * 1_000_000_000n);
    expect((await refusal(layer, { mtime: SECONDS_MAX + 1 })).code).toBe('option-invalid');
    expect((await mountCase(layer, { mtime: -1 })).stats.new!.mtimeNs).toBe(-1_000_000_000n);
  });
});

describe.skipIf(!isReady)('a symlink', () => {
  it.each([1024, 2048, 4096] as const)('has a target of up to a block of %d bytes but one', async (blockSize) => {
    const lengths = [1, 58, 59, 60, 61, 255, blockSize - 1];
    const layer = lengths.map((length) => ({
      name: `l${length}`,
      type: 'symlink',
      linkName: `/${'\xe9'.repeat(length - 1)}`,
    }));
    const { mounted } = await mountCase(layer, { blockSize });
    for (const length of lengths) {
      expect(readlinkSync(`${mounted}/l${length}`, { encoding: 'latin1' })).toBe(`/${'\xe9'.repeat(length - 1)}`);
    }
  });

  it('of a block is refused', async () => {
    const layer = [{ name: 'd/l', type: 'symlink', linkName: 'x'.repeat(1024) }];
    expect(await refusal(layer, { blockSize: 1024 })).toMatchObject({
      code: 'limit-exceeded',
      context: expect.objectContaining({ layer: 0, path: 'd/l' }) as object,
      what: 'a symlink of 1024 bytes, at most 1023 with this block size',
    });
  });
});

describe.skipIf(!isReady)('hard links', () => {
  const links = (count: number): TarEntry[] => [
    { name: 'a', data: 'x' },
    ...Array.from({ length: count - 1 }, (_, i) => ({ name: `l/${i}`, type: 'hardlink', linkName: 'a' })),
  ];

  it('may be 65,000, not one more', async () => {
    const { path } = await buildCase([links(65_000)]);
    e2fsck(path);
    expect(debugfs(path, 'stat /a')).toContain('Links: 65000 ');
    expect(await refusal(links(65_001))).toMatchObject({
      code: 'limit-exceeded',
      context: expect.objectContaining({ layer: 0, path: 'a' }) as object,
      what: '65001 hard links, at most 65000 to one file',
    });
  });

  it('count what is left after a higher layer', async () => {
    const { path } = await buildCase([links(5), [{ name: 'l/.wh.0' }, { name: 'a', data: 'y' }]]);
    e2fsck(path);
    expect(debugfs(path, 'stat /l/1')).toContain('Links: 3 ');
  });
});

describe.skipIf(!isReady)('xattrs', () => {
  const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex');
  const capability = '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0';

  it.each([1024, 4096] as const)('of every place are kept (blocks of %d)', async (blockSize) => {
    const sets: Record<string, Record<string, string>> = {
      small: { 'user.a': 'b' },
      empty: { 'user.empty': '', 'user.x': '1' },
      'in the inode just': { 'user.n': 'v'.repeat(68) },
      'in a block just': { 'user.n': 'v'.repeat(69) },
      capability: { 'security.capability': capability },
      selinux: { 'security.selinux': 'system_u:object_r:bin_t:s0\0', 'trusted.overlay.opaque': 'y' },
      'high bytes': { 'user.\xff\xfe\xc3\xa9': '\0\n\xff\\', 'user.x\n"q"': 'v' },
      'long name': { [`user.${'n'.repeat(250)}`]: 'v' },
      many: Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`user.${i}`, 'v'.repeat(i)])),
      'a full block': { 'user.a': 'v'.repeat(blockSize - 32 - 4 - 20) },
      'a full block and a full inode': { 'user.a': 'v'.repeat(blockSize - 32 - 4 - 20), 'user.b': 'w'.repeat(68) },
      'order by length': {
        'user.bb': '1',
        'user.a': '2',
        'user.ccc': '3',
        'trusted.a': '4',
        'user.aaaa': 'x'.repeat(100),
      },
    };
    const layer = Object.entries(sets).flatMap(([name, xattrs]) => [
      { name, xattrs },
      { name: `${name} d/`, xattrs },
    ]);
    const { mounted } = await mountCase(layer, { blockSize });
    const seen = xattrsOfMounted(mounted);
    for (const [name, xattrs] of Object.entries(sets)) {
      const expected = Object.fromEntries(Object.entries(xattrs).map(([key, value]) => [key, hex(value)]));
      expect([name, seen.get(name)]).toEqual([name, expected]);
      expect([name, seen.get(`${name} d`)]).toEqual([name, expected]);
    }
  });

  it('of symlinks, devices and the root are kept', async () => {
    const xattrs = { 'trusted.a': 'b'.repeat(200), 'security.selinux': 'c' };
    const { mounted } = await mountCase([
      { name: './', xattrs: { 'user.root': 'r' } },
      { name: 'l', type: 'symlink', linkName: 'x', xattrs },
      { name: 'long', type: 'symlink', linkName: 'x'.repeat(60), xattrs },
      { name: 'c', type: 'character', deviceMajor: 1, deviceMinor: 3, xattrs },
      { name: 'f', type: 'fifo', xattrs },
    ]);
    const seen = xattrsOfMounted(mounted);
    const expected = { 'trusted.a': hex('b'.repeat(200)), 'security.selinux': hex('c') };
    for (const name of ['l', 'long', 'c', 'f']) expect([name, seen.get(name)]).toEqual([name, expected]);
    expect(seen.get('.')).toEqual({ 'user.root': hex('r') });
  });

  it.each([1, 2, 1024, 1025, 3000])('that %d inodes share take as few blocks as they can', async (count) => {
    const xattrs = { 'user.shared': 'v'.repeat(500) };
    const layer = Array.from({ length: count }, (_, i) => ({ name: `f${i}`, xattrs }));
    const { image, path } = await buildCase([
      layer,
      [
        { name: 'other', xattrs },
        { name: 'f0', data: 'none' },
      ],
    ]);
    e2fsck(path);
    const { xattrs: start, symlinks: end } = image.plan.geometry;
    expect(end - start).toBe(Math.ceil(count / 1024));
    expect(debugfs(path, 'ea_get /other user.shared')).toContain('v'.repeat(500));
  });

  it('that a guest changes leave those who shared their block', async () => {
    const layer = Array.from({ length: 1025 }, (_, i) => ({
      name: `f${i}`,
      xattrs: { 'user.shared': 'v'.repeat(500) },
    }));
    const { path } = await buildCase([layer], { free: 4 << 20 });
    const mounted = mountImage(path, 'rw');
    run('setfattr', ['-n', 'user.shared', '-v', 'w'.repeat(500), `${mounted}/f7`]);
    run('setfattr', ['-x', 'user.shared', `${mounted}/f8`]);
    run('setfattr', ['-n', 'user.shared', '-v', 'v'.repeat(500), `${mounted}/f7`]);
    const seen = xattrsOfMounted(mounted);
    expect(seen.size).toBe(1024);
    unmount(mounted);
    e2fsck(path);
  });

  it('are divided so that they fit where that is possible', async () => {
    // The block lacks 60 bytes: a of 40 would fit the inode too, but only b of 80 leaves enough.
    const xattrs = { 'user.a': 'v'.repeat(20), 'user.b': 'w'.repeat(60), 'user.c': 'x'.repeat(4064 - 4 - 20 - 60) };
    const { mounted } = await mountCase([{ name: 'a', xattrs }]);
    expect(Object.keys(xattrsOfMounted(mounted).get('a') ?? {}).sort()).toEqual(['user.a', 'user.b', 'user.c']);
  });

  it('of a prefix that Linux does not know are left out with a warning', async () => {
    const { warnings } = await planCase([[{ name: 'd/a', xattrs: { 'com.apple.x': 'v', 'user.x': 'y' } }]]);
    expect(warnings).toEqual([
      'layer 0, entry d/a: com.apple.x is left out: an xattr of that prefix does not exist on ext4 under Linux',
    ]);
  });

  it('that are ACLs work', async () => {
    const { mounted, path } = await mountCase([
      {
        name: 'f',
        mode: 0o640,
        pax: [['SCHILY.acl.access', 'user::rw-,user:1000:r-x,group::r--,group:4294967294:rwx,mask::rwx,other::---']],
      },
      {
        name: 'd/',
        pax: [
          ['SCHILY.acl.access', 'user::rwx,group::r-x,mask::rwx,user:5:rwx,other::r-x'],
          ['SCHILY.acl.default', 'user::rwx,group::r-x,group:7:-w-,mask::rwx,other::--x'],
        ],
      },
    ]);
    const acl = (name: string): string[] =>
      run('getfacl', ['-n', '-c', '-p', `${mounted}/${name}`])
        .toString()
        .trim()
        .split('\n');
    expect(acl('f')).toEqual([
      'user::rw-',
      'user:1000:r-x',
      'group::r--',
      'group:4294967294:rwx',
      'mask::rwx',
      'other::---',
    ]);
    const defaults = ['user::rwx', 'group::r-x', 'group:7:-w-', 'mask::rwx', 'other::--x'];
    expect(acl('d')).toEqual(
      ['user::rwx', 'user:5:rwx', 'group::r-x', 'mask::rwx', 'other::r-x'].concat(
        defaults.map((entry) => `default:${entry}`),
      ),
    );
    expect(debugfs(path, 'stat /f')).toContain('system.posix_acl_access (36) = 01 00 00 00 ');
  });

  it('that are no ACLs are refused', async () => {
    for (const value of ['', '\x01\0\0\0', '\x02\0\0\0\x01', '\x02\0\0\0\x03\0\0\0\0\0\0\0']) {
      expect((await refusal([{ name: 'a', xattrs: { 'system.posix_acl_access': value } }])).code).toBe('layer-corrupt');
    }
  });
});
