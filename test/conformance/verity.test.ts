import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blockloom, output, writeLayers } from '../helpers/cli.ts';
import { canStartGuests, Guest } from '../helpers/guest.ts';
import { scratch } from '../helpers/scratch.ts';
import { startServe } from '../helpers/served.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { e2fsck, requireTools, run } from '../helpers/tools.ts';

/** What `build --json` says of a hash tree. */
interface Tree {
  readonly rootHash: string;
  readonly salt: string;
  readonly uuid: string;
  readonly dataBlocks: number;
  readonly hashOffset: number;
  readonly parameters: Readonly<Record<'dmInit' | 'systemd' | 'kata', string>>;
}

const DEFAULT_SALT = Buffer.from('blockloom dm-verity default salt').toString('hex');

/** Builds with a hash tree; the file's path, and what is said of the tree. */
function built(folder: string, ...args: readonly string[]): { path: string; tree: Tree } {
  const text = output(['build', ...writeLayers(folder), '--verity', ...args, '-o', 'disk.img', '--json'], {
    cwd: folder,
  });
  return { path: join(folder, 'disk.img'), tree: (JSON.parse(text) as { verity: Tree }).verity };
}

describe.skipIf(!requireTools('veritysetup', 'e2fsck'))('build --verity', () => {
  it.each([
    ['by default', [], DEFAULT_SALT],
    ['without salt', ['--verity-salt', '-'], '-'],
    ['with a short salt', ['--verity-salt', 'C0FFEE'], 'c0ffee'],
    ['with the longest salt', ['--verity-salt', 'ab'.repeat(256)], 'ab'.repeat(256)],
    ['of 3 levels, most of zeros', ['--size', '100M', '--verity-salt', '00'], '00'],
  ])('writes what veritysetup format does, byte for byte, %s', (_, args, salt) => {
    const folder = scratch();
    const { path, tree } = built(folder, ...args);
    expect(tree.salt).toBe(salt);
    const theirs = join(folder, 'theirs.img');
    run('cp', ['--sparse=always', path, theirs]);
    run('truncate', ['-s', String(tree.hashOffset), theirs]);
    e2fsck(theirs);
    const form = [`--data-blocks=${tree.dataBlocks}`, `--hash-offset=${tree.hashOffset}`];
    const said = run('veritysetup', [
      'format',
      ...form,
      `--salt=${salt}`,
      `--uuid=${tree.uuid}`,
      theirs,
      theirs,
    ]).toString();
    expect(/Root hash: +\s*([\da-f]+)/.exec(said)?.[1]).toBe(tree.rootHash);
    run('cmp', [path, theirs]);
    run('veritysetup', ['verify', path, path, tree.rootHash, `--hash-offset=${tree.hashOffset}`]);
    expect(run('veritysetup', ['dump', path, `--hash-offset=${tree.hashOffset}`]).toString()).toMatch(
      new RegExp(`UUID: +\\s*${tree.uuid}\n`),
    );
    e2fsck(path);
  });

  it('has a tree that a changed byte does not fit', () => {
    const { path, tree } = built(scratch());
    const bytes = readFileSync(path);
    bytes[tree.hashOffset - 5000]! ^= 1;
    writeFileSync(path, bytes);
    const check = (): unknown =>
      run('veritysetup', ['verify', path, path, tree.rootHash, `--hash-offset=${tree.hashOffset}`]);
    expect(check).toThrow(/Verification failed/);
  });

  it('prints the parameters of a kernel, of systemd and of Kata, and the root hash alone', () => {
    const folder = scratch();
    const { tree } = built(folder);
    const { rootHash: root, hashOffset: offset, dataBlocks: blocks } = tree;
    const table = `0 ${blocks * 8} verity 1 /dev/vda /dev/vda 4096 4096 ${blocks} ${blocks + 1} sha256 ${root} ${DEFAULT_SALT}`;
    const dmInit = `dm-mod.create="root,,,ro,${table}" root=/dev/dm-0 ro`;
    const systemd = `roothash=${root} systemd.verity_root_data=/dev/vda systemd.verity_root_hash=/dev/vda systemd.verity_root_options=hash-offset=${offset} root=/dev/mapper/root ro`;
    const kata = `root_hash=${root},salt=${DEFAULT_SALT},data_blocks=${blocks},data_block_size=4096,hash_block_size=4096`;
    expect(tree.parameters).toEqual({ dmInit, systemd, kata });
    const lines = output(['build', 'base.tar', 'app.tar', '--verity', '-o', 'again.img'], { cwd: folder }).split('\n');
    expect(lines.map((line) => line.replace(/ +/g, ' ')).slice(1)).toEqual(
      [`root hash ${root}`, `dm-init ${dmInit}`, `systemd ${systemd}`, `kata ${kata}`].map((line) =>
        line.replace(/ +/g, ' '),
      ),
    );
    expect(output(['hash', 'base.tar', 'app.tar', '--algorithm', 'verity'], { cwd: folder })).toBe(root);
  });

  it('is on a second partition without a superblock what Kata takes', () => {
    const folder = scratch();
    const { path, tree } = built(folder, '--disk', 'mbr', '--no-verity-superblock');
    const bytes = readFileSync(path);
    writeFileSync(join(folder, 'data'), bytes.subarray(2 ** 20, 2 ** 20 + tree.dataBlocks * 4096));
    writeFileSync(join(folder, 'hashes'), bytes.subarray(tree.hashOffset));
    const form = ['--no-superblock', '--hash=sha256', `--salt=${tree.salt}`, `--data-blocks=${tree.dataBlocks}`];
    const check = (): unknown =>
      run('veritysetup', ['verify', ...form, join(folder, 'data'), join(folder, 'hashes'), tree.rootHash]);
    expect(check).not.toThrow();
    expect(tree.parameters.kata).toBe(
      `root_hash=${tree.rootHash},salt=${tree.salt},data_blocks=${tree.dataBlocks},data_block_size=4096,hash_block_size=4096`,
    );
    expect(tree.parameters.systemd).toContain(
      ` systemd.verity_root_options=superblock=no,format=1,data-block-size=4096,hash-block-size=4096,data-blocks=${tree.dataBlocks},salt=${tree.salt},hash=sha256 `,
    );
    expect(built(scratch(), '--disk', 'mbr', '--no-verity-superblock', '--verity-salt', '-').tree.parameters.kata).toBe(
      undefined,
    );
  });

  it('without a superblock is the same tree a block earlier, in a lock too', () => {
    const folder = scratch();
    const { path, tree } = built(folder, '--no-verity-superblock', '--lock', 'disk.lock');
    const withSuperblock = built(scratch());
    expect(tree.rootHash).toBe(withSuperblock.tree.rootHash);
    const bytes = readFileSync(withSuperblock.path);
    const { hashOffset } = withSuperblock.tree;
    const without = Buffer.concat([bytes.subarray(0, hashOffset), bytes.subarray(hashOffset + 4096)]);
    expect(readFileSync(path).equals(without)).toBe(true);
    expect(output(['verify', '--lock', 'disk.lock'], { cwd: folder })).toMatch(/^same /);
    expect(blockloom(['hash', 'base.tar', '--no-verity-superblock'], { cwd: folder }).status).toBe(2);
  });

  it('is verified, locked, measured and mapped, in a definition too', () => {
    const folder = scratch();
    const { path, tree } = built(folder, '--lock', 'disk.lock');
    const cwd = { cwd: folder };
    const same = `same ${output(['hash', 'base.tar', 'app.tar', '--verity'], cwd)}`;
    expect(output(['verify', path, 'base.tar', 'app.tar', '--verity'], cwd)).toBe(same);
    expect(output(['verify', path, '--lock', 'disk.lock'], cwd)).toBe(same);
    const salted = blockloom(['verify', '--lock', 'disk.lock', '--verity-salt', '00'], cwd);
    expect([salted.status, salted.stdout]).toEqual([
      4,
      `lock-mismatch: option veritySalt: "00", locked "${DEFAULT_SALT}"\n`,
    ]);
    expect(JSON.parse(output(['measure', 'base.tar', 'app.tar', '--verity', '--json'], cwd))).toMatchObject({
      size: readFileSync(path).length,
      hashTree: readFileSync(path).length - tree.hashOffset,
    });
    const rows = output(['map', 'base.tar', 'app.tar', '--verity'], cwd).split('\n');
    expect(rows.slice(-3).map((row) => row.trim().split(/ +/).slice(2).join(' '))).toEqual([
      'data verity superblock',
      'data hash tree, level 1',
      'data hash tree, level 0',
    ]);
    writeFileSync(join(folder, 'image.yaml'), 'blockloom: 1\nlayers: [base.tar, app.tar]\nverity_salt: c0ffee\n');
    const salt = ['--verity-salt', 'c0ffee'];
    expect(output(['hash', '-f', 'image.yaml'], cwd)).toBe(output(['hash', 'base.tar', 'app.tar', ...salt], cwd));
    expect(output(['cat', 'image.yaml', 'etc/hostname'], cwd)).toBe('loom');

    copyFileSync(path, join(folder, 'other.img'));
    run('dd', [
      'if=/dev/zero',
      `of=${join(folder, 'other.img')}`,
      'bs=4096',
      'count=1',
      `seek=${tree.dataBlocks + 1}`,
      'conv=notrunc',
    ]);
    const other = blockloom(['verify', 'other.img', 'base.tar', 'app.tar', '--verity'], cwd);
    expect([other.status, other.stdout]).toEqual([
      4,
      expect.stringMatching(/^different from block 513 .*: hash tree, level 1\n$/),
    ]);
  });

  it.each([
    [
      ['--verity', '--block-size', '1024'],
      /a hash tree over blocks of 1024 bytes: dm-verity needs a block size of 4096\n$/,
    ],
    [
      ['--verity-salt', 'ab'.repeat(257)],
      /Expected a salt of up to 256 bytes in hexadecimal digits, or - for none\.\n/,
    ],
    [['--verity-salt', 'abc'], /Expected a salt of up to 256 bytes/],
    [['--verity-salt', 'xy'], /Expected a salt of up to 256 bytes/],
  ])('is refused with %s', (args, message) => {
    const folder = scratch();
    const result = blockloom(['build', ...writeLayers(folder), ...args, '-o', 'disk.img'], { cwd: folder });
    expect([result.status, result.stdout]).toEqual([2, '']);
    expect(result.stderr).toMatch(message);
  });
});

describe.skipIf(!requireTools('nbdcopy'))('serve --verity', () => {
  it('serves what build writes, and says the root hash', async () => {
    const folder = scratch();
    const { path, tree } = built(folder);
    const args = ['base.tar', 'app.tar', '--verity', '--socket', join(folder, 'socket')];
    const { uri, log } = await startServe(args, folder);
    run('nbdcopy', ['--connections=4', uri, join(folder, 'live.img')]);
    run('cmp', [path, join(folder, 'live.img')]);
    expect(log[0]).toBe(`blockloom: verity: root hash ${tree.rootHash}`);
    expect(log).toHaveLength(4);
  });

  it('is not for images that clients write to', () => {
    const folder = scratch();
    const layers = writeLayers(folder);
    const served = blockloom(['serve', ...layers, '--verity', '--writable'], { cwd: folder });
    expect([served.status, served.stderr]).toEqual([
      2,
      expect.stringMatching(/--verity is for images that nobody writes to/),
    ]);
    const committed = blockloom(['commit', ...layers, '--verity', '--delta', 'd', '-o', 'x'], { cwd: folder });
    expect([committed.status, committed.stderr]).toEqual([2, expect.stringMatching(/--verity is for images that/)]);
  });

  it('has the same root hash whatever a layer came as', () => {
    const folder = scratch();
    writeFileSync(join(folder, 'a.tar'), makeTar([{ name: 'a', data: 'x'.repeat(100_000) }]));
    run('gzip', ['-k', 'a.tar'], { cwd: folder });
    const root = (layer: string, ...args: string[]): string =>
      output(['hash', layer, '--algorithm', 'verity', ...args], { cwd: folder });
    const roots = [root('a.tar'), root('a.tar'), root('a.tar.gz'), root('a.tar.gz'), root('a.tar', '--no-cache')];
    expect(new Set(roots).size).toBe(1);
  });
});

describe.skipIf(!requireTools('veritysetup') || !canStartGuests())('a guest', () => {
  it('reads a verified image, and nothing of a block that was changed', async () => {
    const folder = scratch();
    const { path, tree } = built(folder);
    const image = readFileSync(path);
    const victim = image.indexOf('x'.repeat(5000));
    image[victim + 5000]! ^= 1;
    writeFileSync(path, image);
    const script = `export DM_DISABLE_UDEV=1
veritysetup open /dev/vda root /dev/vda ${tree.rootHash} --hash-offset=${tree.hashOffset}
mount -t ext4 -o ro /dev/mapper/root /mnt
cat /mnt/etc/hostname /mnt/srv/new
cat /mnt/bin/tool >/dev/null || echo refused
umount /mnt; veritysetup close root
veritysetup open /dev/vda root /dev/vda ${tree.rootHash.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))} --hash-offset=${tree.hashOffset} || true
mount -t ext4 -o ro /dev/mapper/root /mnt || echo 'not mounted'`;
    const disk = ['-drive', `file=${path},format=raw,if=none,id=d,readonly=on`, '-device', 'virtio-blk-pci,drive=d'];
    const said = await new Guest(disk, script, { hasVerity: true, programs: ['/usr/sbin/veritysetup'] }).output();
    expect(said).toMatch(/^loom\nnew\n/m);
    expect(said).toMatch(/read error: Input\/output error\nrefused\n/);
    expect(said).toMatch(/not mounted\n/);
  });
});
