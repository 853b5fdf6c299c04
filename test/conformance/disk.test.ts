import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { blockloom, output } from '../helpers/cli.ts';
import { scratch } from '../helpers/scratch.ts';
import { startServe } from '../helpers/served.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { e2fsck, requireTools, run } from '../helpers/tools.ts';

const MIB = 1024 * 1024;

/** What `build --json` says of a disk. */
interface Made {
  readonly sha256: string;
  readonly disk: {
    readonly table: string;
    readonly partitions: readonly {
      readonly number: number;
      readonly type: string;
      readonly partuuid: string;
      readonly start: number;
      readonly length: number;
    }[];
  };
  readonly verity?: { readonly rootHash: string; readonly parameters: { readonly systemd: string } };
}

/** A folder with a layer, files, and a definition of a disk with every kind of partition. */
function folderWithDefinition(table = 'gpt'): string {
  const folder = scratch();
  writeFileSync(join(folder, 'root.tar'), makeTar([{ name: 'etc/' }, { name: 'etc/hostname', data: 'web\n' }]));
  writeFileSync(join(folder, 'data.tar'), makeTar([{ name: 'index.html', data: '<p>'.repeat(3000) }]));
  writeFileSync(join(folder, 'raw.bin'), Buffer.alloc(3000, 'raw'));
  const partitions = [
    { layers: ['./data.tar'], filesystem: { type: 'ext2', label: 'data' }, name: 'data' },
    table === 'gpt' ? { file: './raw.bin', name: 'raw' } : { layers: ['./data.tar'], filesystem: { type: 'vfat' } },
    ...(table === 'gpt' ? [{ swap: '1M' }, { empty: '2M', type: 'var' }] : []),
  ];
  const esp = { files: { '/EFI/BOOT/BOOTX64.EFI': { text: 'not a program' }, '/loader/loader.conf': { text: 'x\n' } } };
  const disk = { table, ...(table === 'gpt' ? { esp } : {}), partitions };
  writeFileSync(join(folder, 'image.json'), JSON.stringify({ blockloom: 1, layers: ['./root.tar'], disk }));
  return folder;
}

function build(folder: string, ...args: readonly string[]): Made {
  return JSON.parse(output(['build', ...args, '-o', 'disk.img', '--json'], { cwd: folder })) as Made;
}

/** Attaches a file with its partitions until the test ends; what partitions' devices begin with, before their numbers. */
function attach(path: string): string {
  const device = run('losetup', ['-P', '-r', '-f', '--show', path]).toString().trim();
  onTestFinished(() => void run('losetup', ['-d', device]));
  // Some kernels read no tables, and in containers nothing makes nodes of devices.
  run('partx', ['-u', device]);
  const [folder, name] = [scratch(), basename(device)];
  for (const partition of readdirSync(`/sys/block/${name}`).filter((each) => each.startsWith(name))) {
    const [major = '', minor = ''] = readFileSync(`/sys/class/block/${partition}/dev`, 'utf8').trim().split(':');
    run('mknod', [join(folder, partition), 'b', major, minor]);
  }
  return join(folder, name);
}

function mounted(device: string, options: string, type: string): string {
  const directory = join(scratch(), 'mnt');
  mkdirSync(directory);
  run('mount', ['-t', type, '-o', options, device, directory]);
  onTestFinished(() => void run('umount', [directory]));
  return directory;
}

describe.skipIf(!requireTools('root', 'sgdisk', 'sfdisk', 'losetup', 'partx', 'blkid', 'e2fsck', 'mtype'))(
  'disks',
  () => {
    it('have partitions that Linux finds, mounts and reads', () => {
      const folder = folderWithDefinition();
      const { disk } = build(folder, '-f', 'image.json');
      const path = join(folder, 'disk.img');
      expect(run('sgdisk', ['-v', path]).toString()).toContain('No problems found');
      expect(disk.partitions.map(({ type }) => type)).toEqual([
        'esp',
        'root-x86-64',
        'linux-generic',
        'linux-generic',
        'swap',
        'var',
      ]);
      const device = attach(path);
      const types = disk.partitions.map(({ number }) =>
        run('blkid', ['-p', '-o', 'value', '-s', 'TYPE', '-s', 'PART_ENTRY_UUID', `${device}p${number}`]).toString(),
      );
      const found = ['vfat', 'ext4', 'ext2', '', 'swap', ''].map((type) => (type === '' ? '' : `${type}\n`));
      expect(types).toEqual(found.map((type, i) => `${type}${disk.partitions[i]!.partuuid}\n`));
      expect(run('mtype', ['-i', `${device}p1`, '::/loader/loader.conf']).toString()).toBe('x\n');
      expect(readFileSync(join(mounted(`${device}p2`, 'ro', 'ext4'), 'etc/hostname'), 'utf8')).toBe('web\n');
      expect(readFileSync(join(mounted(`${device}p3`, 'ro', 'ext2'), 'index.html'), 'utf8')).toHaveLength(9000);
      expect(run('head', ['-c', '3000', `${device}p4`]).equals(Buffer.alloc(3000, 'raw'))).toBe(true);
      for (const number of [2, 3]) e2fsck(`${device}p${number}`);
      const esp = `${path}@@${disk.partitions[0]!.start}`;
      expect(run('mtype', ['-i', esp, '::/EFI/BOOT/BOOTX64.EFI']).toString()).toBe('not a program');
      run('fsck.fat', ['-n', `${device}p1`]);
    });

    it('with an MBR are mounted with the flags that Kata Containers gives', () => {
      const folder = folderWithDefinition('mbr');
      const args = ['-f', 'image.json', '--mount-opts', 'journal_data_ordered'];
      build(folder, ...args);
      const device = attach(join(folder, 'disk.img'));
      expect(run('sfdisk', ['--verify', join(folder, 'disk.img')]).toString()).toContain('No errors detected');
      const flags = 'data=ordered,errors=remount-ro,ro';
      expect(readFileSync(join(mounted(`${device}p1`, flags, 'ext4'), 'etc/hostname'), 'utf8')).toBe('web\n');
    });

    it('are hashed, verified, mapped, measured, locked and served as they are built', async () => {
      const folder = folderWithDefinition();
      const { sha256, disk } = build(folder, '-f', 'image.json', '--lock', 'disk.lock');
      const cli = (...args: string[]): string => output(args, { cwd: folder });
      expect(cli('hash', '-f', 'image.json')).toContain(sha256);
      expect(cli('verify', 'disk.img', '-f', 'image.json')).toBe(`same ${sha256}`);
      expect(cli('verify', 'disk.img', '--lock', 'disk.lock')).toBe(`same ${sha256}`);
      const root = disk.partitions[1]!;
      expect(cli('map', '-f', 'image.json', '--at', String(root.start + 1024))).toContain('root: superblock');
      expect(cli('map', '-f', 'image.json', '--path', '/etc/hostname')).toContain('root: inode table, group 0');
      expect(JSON.parse(cli('measure', '-f', 'image.json', '--json'))).toMatchObject({ disk });
      expect(cli('cat', 'image.json', '/etc/hostname')).toBe('web');
      expect(blockloom(['diff', 'image.json', 'image.json'], { cwd: folder }).status).toBe(0);
      writeFileSync(join(folder, 'raw.bin'), Buffer.alloc(3000, 'other'));
      const changed = blockloom(['verify', '--lock', 'disk.lock'], { cwd: folder });
      expect([changed.status, changed.stdout]).toEqual([4, expect.stringContaining('raw.bin')]);
      writeFileSync(join(folder, 'raw.bin'), Buffer.alloc(3000, 'raw'));
      const { uri } = await startServe(['-f', 'image.json', '--socket', join(folder, 's')], folder);
      run('nbdcopy', [uri, join(folder, 'served.img')]);
      run('cmp', [join(folder, 'served.img'), join(folder, 'disk.img')]);
    });

    it('take the table of the command line before that of the definition', () => {
      const folder = folderWithDefinition('mbr');
      expect(build(folder, '-f', 'image.json', '--disk', 'gpt').disk.table).toBe('gpt');
      expect(build(folder, '-f', 'image.json', '--disk', 'none', '--force')).not.toHaveProperty('disk');
      e2fsck(join(folder, 'disk.img'));
    });
  },
);

describe.skipIf(!requireTools('root', 'veritysetup', 'losetup', 'partx'))('disks with hash trees', () => {
  it.each(['gpt', 'mbr'])('have them in a partition, in a table of kind %s', (table) => {
    const folder = scratch();
    writeFileSync(join(folder, 'root.tar'), makeTar([{ name: 'a', data: 'a'.repeat(3 * MIB) }]));
    const { verity, disk } = build(folder, 'root.tar', '--disk', table, '--verity');
    const rootHash = verity!.rootHash;
    const device = attach(join(folder, 'disk.img'));
    run('veritysetup', ['verify', `${device}p1`, `${device}p2`, rootHash]);
    const [data, tree] = disk.partitions.map(({ partuuid }) => partuuid);
    const byHash = [rootHash.slice(0, 32), rootHash.slice(32)];
    expect([data, tree].map((uuid) => uuid!.replaceAll('-', '') === byHash.shift())).toEqual(
      table === 'gpt' ? [true, true] : [false, false],
    );
    expect(verity!.parameters.systemd).toContain(`verity_root_data=PARTUUID=${data} `);
    const changed = join(folder, 'changed.img');
    copyFileSync(join(folder, 'disk.img'), changed);
    run('dd', [
      'if=/dev/zero',
      `of=${changed}`,
      'bs=1',
      'count=1',
      `seek=${2 * MIB + 4096}`,
      'conv=notrunc',
      'status=none',
    ]);
    const other = attach(changed);
    expect(() => run('veritysetup', ['verify', `${other}p1`, `${other}p2`, rootHash])).toThrow('ended with');
  });

  it('name their parameters in the lock', () => {
    const folder = scratch();
    writeFileSync(join(folder, 'root.tar'), makeTar([{ name: 'a' }]));
    const { sha256 } = build(folder, 'root.tar', '--disk', 'gpt', '--platform', 'linux/arm64', '--lock', 'l');
    expect(readFileSync(join(folder, 'l'), 'utf8')).toContain('"architecture": "arm64"');
    expect(output(['verify', 'disk.img', '--lock', 'l'], { cwd: folder })).toBe(`same ${sha256}`);
  });
});
