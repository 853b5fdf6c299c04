import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blockloom, output } from '../helpers/cli.ts';
import { canStartGuests, Guest } from '../helpers/guest.ts';
import { programFiles } from '../helpers/program.ts';
import { scratch } from '../helpers/scratch.ts';
import { startServe } from '../helpers/served.ts';
import { makeTar, type TarEntry } from '../helpers/tar-writer.ts';
import { debugfs, e2fsck, requireTools, run } from '../helpers/tools.ts';

const BLOCK = 4096;
const noise = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (Math.imul(i + seed, 2_654_435_761) >>> 13) & 0xff);

/** Around the borders of blocks, of levels of the tree, and of 64 KiB, where its place is rounded to. */
const SIZES = [0, 1, BLOCK, BLOCK + 1, 65_535, 65_536, 65_537, 128 * BLOCK, 128 * BLOCK + 1, 3_000_000, 70_000_000];
const HOLES = {
  size: 40_000_000,
  segments: [
    { offset: 5000, length: 9000 },
    { offset: 30_000_001, length: 10 },
  ],
};
const FILES: readonly TarEntry[] = [
  ...SIZES.map((size, i) => ({ name: `data/${size}`, data: noise(size, i) })),
  { name: 'data/holes', data: noise(9010, 99), sparse: { form: '1.0' as const, ...HOLES } },
  { name: 'data/link', type: 'symlink', linkName: '1' },
  { name: 'data/second', type: 'hardlink', linkName: 'data/4096' },
  { name: 'plain', data: noise(100_000, 1) },
];

/** What a sparse file holds. */
function contentOf({ name, data = '' }: TarEntry): Uint8Array {
  if (name !== 'data/holes') return Buffer.from(data as Uint8Array);
  const whole = new Uint8Array(HOLES.size);
  let from = 0;
  for (const { offset, length } of HOLES.segments) {
    whole.set((data as Uint8Array).subarray(from, from + length), offset);
    from += length;
  }
  return whole;
}

/** The digest that fsverity computes of bytes. */
function digestOf(folder: string, bytes: Uint8Array): string {
  const path = join(folder, 'plain-file');
  writeFileSync(path, bytes);
  return run('fsverity', ['digest', '--compact', path]).toString().trim();
}

/** The digest that an image says of a file: that of the descriptor, in the last of its blocks. */
function digestIn(image: Buffer, path: string, name: string): string {
  const blocks = debugfs(path, `blocks ${name}`).trim().split(/\s+/).map(Number);
  const last = image.subarray(blocks.at(-1)! * BLOCK, (blocks.at(-1)! + 1) * BLOCK);
  expect(last.readUInt32LE(BLOCK - 4)).toBe(256);
  return createHash('sha256').update(last.subarray(0, 256)).digest('hex');
}

describe.skipIf(!requireTools('fsverity', 'e2fsck', 'debugfs'))('build --fsverity', () => {
  it('gives files the digests that fsverity computes, at every border', () => {
    const folder = scratch();
    writeFileSync(join(folder, 'a.tar'), makeTar(FILES));
    output(['build', 'a.tar', '--fsverity', '/data', '-o', 'disk.img', '--fsverity-digests', 'digests'], {
      cwd: folder,
    });
    const path = join(folder, 'disk.img');
    const digests = readFileSync(join(folder, 'digests'), 'utf8');
    e2fsck(path);
    const image = readFileSync(path);
    for (const file of FILES.filter(({ name, type }) => name.startsWith('data/') && type === undefined)) {
      const found = [
        file.name,
        digestIn(image, path, file.name),
        /Flags: 0x180000/.test(debugfs(path, `stat ${file.name}`)),
      ];
      expect(found).toEqual([file.name, digestOf(folder, contentOf(file)), true]);
      const read = run(process.execPath, [
        join(import.meta.dirname, '../../dist/bundle/cli/main.js'),
        'cat',
        path,
        file.name,
      ]);
      expect(Buffer.compare(read, contentOf(file)), file.name).toBe(0);
      expect(digests).toContain(`sha256:${digestOf(folder, contentOf(file))} /${file.name}\n`);
    }
    expect(debugfs(path, 'stat plain')).toMatch(/Flags: 0x80000/);
    expect(run('dumpe2fs', ['-h', path]).toString()).toMatch(/Filesystem features:.* verity\n/);
  });

  it('has blocks for files that their inodes would hold, and stands beside a journal and a hash tree', () => {
    const folder = scratch();
    writeFileSync(join(folder, 'a.tar'), makeTar(FILES.slice(0, 5)));
    const features = ['--feature', 'inline_data', '--journal', '4M'];
    output(['build', 'a.tar', ...features, '--fsverity', 'data/1', '--verity', '-o', 'disk.img'], { cwd: folder });
    const path = join(folder, 'disk.img');
    e2fsck(path);
    expect(digestIn(readFileSync(path), path, 'data/1')).toBe(digestOf(folder, contentOf(FILES[1]!)));
  });

  it('is the same with a cache, without, served, and in a definition; a lock keeps it', async () => {
    const folder = scratch();
    writeFileSync(join(folder, 'a.tar'), makeTar(FILES.filter(({ name }) => name !== 'data/70000000')));
    run('gzip', ['-k', 'a.tar'], { cwd: folder });
    const cwd = { cwd: folder };
    const options = ['--fsverity', '/data/*', '--fsverity', 'plain', '--verity'];
    const hash = output(['hash', 'a.tar.gz', ...options], cwd);
    expect(output(['hash', 'a.tar.gz', ...options], cwd)).toBe(hash);
    expect(output(['hash', 'a.tar', '--no-cache', ...options], cwd)).toBe(hash);
    writeFileSync(
      join(folder, 'i.yaml'),
      'blockloom: 1\nlayers: [a.tar]\nfsverity: [plain, "/data/*"]\nverity: true\n',
    );
    output(['build', '-f', 'i.yaml', '-o', 'disk.img', '--lock', 'disk.lock'], cwd);
    expect(
      createHash('sha256')
        .update(readFileSync(join(folder, 'disk.img')))
        .digest('hex'),
    ).not.toBe('');
    expect(output(['verify', 'disk.img', 'a.tar', ...options, '--no-cache'], cwd)).toMatch(/^same /);
    expect(output(['verify', 'disk.img', '--lock', 'disk.lock'], cwd)).toMatch(/^same /);
    const other = blockloom(['verify', '--lock', 'disk.lock', '--fsverity', '/plain'], cwd);
    expect([other.status, other.stdout]).toEqual([
      4,
      'lock-mismatch: option fsverity: ["/plain"], locked ["/data/*","plain"]\n',
    ]);
    const { uri } = await startServe(['a.tar', ...options, '--socket', join(folder, 'socket')], folder);
    run('nbdcopy', ['--connections=4', uri, join(folder, 'live.img')]);
    run('cmp', ['disk.img', 'live.img'], cwd);
    expect(output(['map', 'a.tar', ...options], cwd)).toMatch(/ data fs-verity of file \/plain \(layer 0\)\n/);
    expect(output(['inspect', 'disk.img'], cwd)).toMatch(/features .* verity\n/);
  });

  it.each([
    [['--fsverity', '/none'], 3, /blockloom: the image has no file at \/none\n$/],
    [['--fsverity', '/data/link'], 3, /blockloom: the image has no file at \/data\/link\n$/],
    [['--fsverity', '/a/../b'], 2, /the pattern \/a\/\.\.\/b: a path from the root, without \.\.\n$/],
    [
      ['--fsverity', '/', '--block-size', '1024'],
      2,
      /fs-verity with blocks of 1024 bytes: it needs a block size of 4096\n$/,
    ],
    [['--fsverity', '/', '--fs', 'ext2'], 2, /fs-verity on ext2, which has none\n$/],
  ])('is refused with %s', (args, status, message) => {
    const folder = scratch();
    writeFileSync(join(folder, 'a.tar'), makeTar(FILES.slice(0, 2)));
    const result = blockloom(['build', 'a.tar', ...args, '-o', 'disk.img'], { cwd: folder });
    expect([result.status, result.stdout]).toEqual([status, '']);
    expect(result.stderr).toMatch(message);
  });
});

describe.skipIf(!requireTools('fsverity', 'debugfs') || !canStartGuests())('a guest', () => {
  it('measures and reads files with fs-verity, and refuses one whose data was changed', async () => {
    const folder = scratch();
    const files = FILES.filter(({ name }) => !/70000000|link|second/.test(name));
    const layer = makeTar([...files, { name: 'bad', data: noise(500_000, 7) }, ...programFiles('/usr/bin/fsverity')]);
    writeFileSync(join(folder, 'a.tar'), layer);
    output(['build', 'a.tar', '--fsverity', '/data', '--fsverity', '/bad', '--fsverity', '/usr', '-o', 'disk.img'], {
      cwd: folder,
    });
    const path = join(folder, 'disk.img');
    const image = readFileSync(path);
    const [, first = ''] = /\(0-\d+\):(\d+)-/.exec(debugfs(path, 'stat bad')) ?? [];
    image[(Number(first) + 50) * BLOCK + 5]! ^= 1;
    writeFileSync(path, image);
    const script = `mount -t ext4 -o ro /dev/vda /mnt
cd /mnt; chroot /mnt /usr/bin/fsverity measure data/* bad
sha256sum data/*
head -c 200000 bad >/dev/null && echo begins
cat bad >/dev/null || echo refused`;
    const disk = ['-drive', `file=${path},format=raw,if=none,id=d,readonly=on`, '-device', 'virtio-blk-pci,drive=d'];
    const said = await new Guest(disk, script).output();
    for (const file of files.filter(({ name }) => name.startsWith('data/'))) {
      expect(said).toContain(`sha256:${digestOf(folder, contentOf(file))} ${file.name}\n`);
      expect(said).toContain(`${createHash('sha256').update(contentOf(file)).digest('hex')}  ${file.name}\n`);
    }
    expect(said).toContain(`sha256:${digestOf(folder, noise(500_000, 7))} bad\n`);
    expect(said).toMatch(/FILE CORRUPTED! index=50,[^]*\nbegins\n[^]*read error: Input\/output error\nrefused\n/);
  });
});
