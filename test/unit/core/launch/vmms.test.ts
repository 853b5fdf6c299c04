import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ImageError } from '../../../../src/core/errors.ts';
import { ATTACHMENTS, type Disk } from '../../../../src/core/launch/disk.ts';
import type { LaunchOptions } from '../../../../src/core/launch/launch.ts';
import { debianPackage } from '../../../../src/core/launch/packages.ts';
import { VMMS } from '../../../../src/core/launch/vmms.ts';
import type { Verity } from '../../../../src/core/verity/parameters.ts';
import { fileDisks, oneDisk } from '../../../helpers/launch-options.ts';

const NBD: Disk = {
  as: 'nbd',
  socket: '/d/nbd.sock',
  exportName: 'disk',
  uri: 'nbd+unix:///disk?socket=%2Fd%2Fnbd.sock',
};
const VHOST: Disk = { as: 'vhost-user', socket: '/d/vhost.sock' };
const FILE: Disk = { as: 'file', path: '/d/disk.img' };

const OPTIONS: LaunchOptions = {
  disks: oneDisk(FILE),
  readOnly: true,
  kernel: '/k/vmlinux',
  initrd: '/k/initrd',
  memory: 256 << 20,
  cpus: 2,
  architecture: 'amd64',
  accelerator: 'tcg',
  folder: '/d',
};

function launch(name: string, options: Partial<LaunchOptions> = {}): ReturnType<(typeof VMMS)[number]['launch']> {
  const vmm = VMMS.find((each) => each.name === name);
  if (vmm === undefined) throw new Error(`no ${name}`);
  return vmm.launch({ ...OPTIONS, ...options });
}

const argv = (name: string, options: Partial<LaunchOptions> = {}): readonly string[] => launch(name, options).argv;

/** Expected command lines are written out as the documentation of each VMM has them. */
describe('a VMM is started as its documentation says:', () => {
  it('qemu', () => {
    const expected = [
      'qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none -machine q35 -accel tcg -cpu max -smp 2',
      '-m 256M -kernel /k/vmlinux -initrd /k/initrd -append console=ttyS0 root=/dev/vda ro -object iothread,id=disk0-io',
      '-blockdev driver=nbd,node-name=disk0,server.type=unix,server.path=/d/nbd.sock,export=disk,read-only=on,' +
        'reconnect-delay=30,open-timeout=10,cache.direct=on,discard=unmap',
      '-device virtio-blk-pci,drive=disk0,iothread=disk0-io,num-queues=2,serial=disk -device virtio-rng-pci',
      '-serial mon:stdio',
    ];
    expect(argv('qemu', { disks: oneDisk(NBD) }).join(' ')).toBe(expected.join(' '));
    const vhost = argv('qemu', { disks: oneDisk(VHOST) }).join(' ');
    expect(vhost).toContain(
      '-object memory-backend-memfd,id=memory,size=256M,share=on -machine q35,memory-backend=memory',
    );
    expect(vhost).toContain(
      '-chardev socket,id=disk0-socket,path=/d/vhost.sock -device vhost-user-blk-pci,chardev=disk0-socket',
    );
    const device = argv('qemu', {
      disks: oneDisk({ as: 'nbd-device', path: '/dev/nbd3' }),
      kernel: undefined,
      architecture: 'arm64',
    });
    expect(device[0]).toBe('qemu-system-aarch64');
    expect(device).not.toContain('-append');
    expect(device).toContain('driver=host_device,node-name=disk0-file,filename=/dev/nbd3,read-only=on');
  });

  it('microvm', () => {
    const words = argv('microvm', { readOnly: false });
    expect(words).toContain('microvm,x-option-roms=off,acpi=on');
    expect(words).toContain('driver=file,node-name=disk0-file,filename=/d/disk.img,read-only=off');
    expect(words).toContain('virtio-blk-device,drive=disk0,serial=disk');
    expect(() => launch('microvm', { architecture: 'arm64' })).toThrow(/microvm for amd64/);
  });

  it('vfkit', () => {
    const common = ['vfkit', '--cpus', '2', '--memory', '256', '--bootloader'];
    const linux = 'linux,kernel=/k/vmlinux,initrd=/k/initrd,cmdline="console=hvc0 root=/dev/vda ro"';
    const uri = 'uri=nbd+unix:///disk?socket=%2Fd%2Fnbd.sock';
    expect(argv('vfkit', { disks: oneDisk(NBD) })).toEqual([
      ...common,
      linux,
      '--device',
      `nbd,${uri},deviceId=disk,timeout=3000,sync=full,readonly`,
      '--device',
      'virtio-serial,stdio',
    ]);
    expect(argv('vfkit', { kernel: undefined, readOnly: false })).toEqual([
      ...common,
      'efi,variable-store=/d/efi-variables,create',
      '--device',
      'virtio-blk,path=/d/disk.img,deviceId=disk',
      '--device',
      'virtio-serial,stdio',
    ]);
  });

  it.each(['xhyve', 'hyperkit'])('%s', (name) => {
    const common = [name, '-A', '-m', '256M', '-c', '2', '-s', '0:0,hostbridge', '-s', '31,lpc', '-l', 'com1,stdio'];
    expect(argv(name)).toEqual([
      ...common,
      '-s',
      '4,virtio-blk,/d/disk.img,ro',
      '-f',
      'kexec,/k/vmlinux,/k/initrd,earlyprintk=serial console=ttyS0 root=/dev/vda ro',
    ]);
    expect(argv(name, { readOnly: false, initrd: undefined, append: 'a,b' }).slice(-3)).toEqual([
      '4,virtio-blk,/d/disk.img',
      '-f',
      'kexec,/k/vmlinux,,a,b',
    ]);
  });

  it('kvmtool', () => {
    const common = ['lkvm', 'run', '-k', '/k/vmlinux', '-i', '/k/initrd', '-c', '2', '-m', '256', '-d'];
    expect(argv('kvmtool')).toEqual([...common, '/d/disk.img,ro', '-p', 'root=/dev/vda ro']);
    expect(argv('kvmtool', { disks: oneDisk({ as: 'nbd-device', path: '/dev/nbd3' }), readOnly: false })).toEqual([
      ...common,
      '/dev/nbd3',
      '-p',
      'root=/dev/vda rw',
    ]);
  });

  it('crosvm', () => {
    const common = ['crosvm', 'run', '--cpus', '2', '--mem', '256'];
    const boot = ['--initrd', '/k/initrd', '--params', 'root=/dev/vda ro', '/k/vmlinux'];
    expect(argv('crosvm', { disks: oneDisk(VHOST) })).toEqual([
      ...common,
      '--vhost-user',
      'block,socket=/d/vhost.sock',
      ...boot,
    ]);
    expect(argv('crosvm')).toEqual([...common, '--block', '/d/disk.img,ro,id=disk', ...boot]);
  });

  it('cloud-hypervisor', () => {
    const boot = ['--kernel', '/k/vmlinux', '--initramfs', '/k/initrd', '--cmdline', 'console=ttyS0 root=/dev/vda ro'];
    const serial = ['--serial', 'tty', '--console', 'off'];
    expect(argv('cloud-hypervisor', { disks: oneDisk(VHOST) })).toEqual([
      'cloud-hypervisor',
      '--cpus',
      'boot=2',
      '--memory',
      'size=256M,shared=on',
      ...boot,
      '--disk',
      'vhost_user=on,socket=/d/vhost.sock,num_queues=1,queue_size=128,id=disk',
      ...serial,
    ]);
    expect(argv('cloud-hypervisor')).toEqual([
      'cloud-hypervisor',
      '--cpus',
      'boot=2',
      '--memory',
      'size=256M',
      ...boot,
      '--disk',
      'path=/d/disk.img,readonly=on,image_type=raw,id=disk',
      ...serial,
    ]);
  });

  it('firecracker', () => {
    const { argv: words, files } = launch('firecracker');
    expect(words).toEqual(['firecracker', '--no-api', '--config-file', '/d/firecracker.json']);
    expect(files.map(({ path, text }) => [path, JSON.parse(text)])).toEqual([
      [
        '/d/firecracker.json',
        {
          'boot-source': {
            kernel_image_path: '/k/vmlinux',
            initrd_path: '/k/initrd',
            boot_args: 'console=ttyS0 reboot=k panic=1 pci=off root=/dev/vda ro',
          },
          drives: [
            {
              drive_id: 'disk',
              is_root_device: false,
              path_on_host: '/d/disk.img',
              is_read_only: true,
              cache_type: 'Unsafe',
              io_engine: 'Sync',
            },
          ],
          'machine-config': { vcpu_count: 2, mem_size_mib: 256 },
        },
      ],
    ]);
    const [file] = launch('firecracker', { disks: [{ name: 'a-b', disk: VHOST }] }).files;
    expect(JSON.parse(file?.text ?? '')).toMatchObject({
      drives: [{ drive_id: 'a_b', is_root_device: false, socket: '/d/vhost.sock' }],
    });
    const alike = ['a-b', 'a_b'].map((name) => ({ name, disk: VHOST }));
    expect(() => launch('firecracker', { disks: alike })).toThrow('does not tell it from _');
  });
});

/** One disk of each kind, with a comma in its place. */
const COMMA: Readonly<Record<string, Disk>> = {
  'vhost-user': { as: 'vhost-user', socket: '/d/a,b' },
  fuse: { as: 'fuse', path: '/d/a,b' },
  'nbd-device': { as: 'nbd-device', path: '/d/a,b' },
  file: { as: 'file', path: '/d/a,b' },
};

describe('a path with a comma', () => {
  const separated = VMMS.filter(({ name }) =>
    ['xhyve', 'hyperkit', 'kvmtool', 'crosvm', 'cloud-hypervisor', 'vfkit'].includes(name),
  );
  const cases = separated.flatMap((vmm) => vmm.attachments.map(([as]) => ({ vmm, as, disk: COMMA[as] })));
  it.each(cases.filter(({ disk }) => disk !== undefined))(
    'is refused where it would end a value: $vmm.name, $as',
    (each) => {
      expect(() => each.vmm.launch({ ...OPTIONS, disks: oneDisk(each.disk ?? FILE) })).toThrow(ImageError);
    },
  );
});

/** What VMMs need besides for these to be launched. */
const FITTING: Partial<LaunchOptions> = {
  disks: fileDisks('a', 'b'),
  configuration: {
    name: 'app.json',
    bytes: Buffer.from('{"blk":{"source":"blockloom","path":"x"},"blk":{"source":"blockloom","path":"y"}}'),
  },
};

/** All that a launch says, in one text. */
function said(name: string, options: Partial<LaunchOptions>): string {
  const configuration = name.startsWith('rumprun') ? FITTING.configuration : undefined;
  const devices = ['a', 'b'].map((device) => ({ name: device, type: 'BLOCK_BASIC' as const }));
  const target = name === 'solo5-hvt' ? 'hvt' : name === 'solo5-spt' ? 'spt' : 'virtio';
  const unikernel = { manifest: { devices }, target, abiVersion: 1 } as const;
  const { argv: words, files } = launch(name, { ...FITTING, configuration, unikernel, ...options });
  return [...words, ...files.map(({ text }) => text)].join('\n');
}

describe('several disks', () => {
  it.each(VMMS.map(({ name }) => name).filter((name) => name !== 'kata'))('are in order for %s', (name) => {
    const text = said(name, {});
    expect(text.indexOf('/d/a.img')).toBeGreaterThan(0);
    expect(text.indexOf('/d/b.img')).toBeGreaterThan(text.indexOf('/d/a.img'));
  });

  it('are one option of cloud-hypervisor, and slots of xhyve', () => {
    expect(argv('cloud-hypervisor', FITTING).join(' ')).toContain(
      '--disk path=/d/a.img,readonly=on,image_type=raw,id=a path=/d/b.img,readonly=on,image_type=raw,id=b --serial',
    );
    expect(argv('xhyve', FITTING).join(' ')).toContain('-s 4,virtio-blk,/d/a.img,ro -s 5,virtio-blk,/d/b.img,ro -f');
    const names = Array.from({ length: 28 }, (_, i) => `n${i}`);
    expect(() => launch('hyperkit', { disks: fileDisks(...names) })).toThrow('slots for 27 disks, not for 28');
  });

  it('are no volume of Kata', () => {
    expect(() => launch('kata', FITTING)).toThrow('kata takes one image at a time, not 2');
  });
});

describe("a VMM's own words", () => {
  it.each(VMMS.map(({ name }) => name).filter((name) => name !== 'kata'))('are for %s', (name) => {
    expect(said(name, { vmmWords: ['-x', 'a b'] })).toContain('\n-x\na b');
  });

  it('come before what a VMM reads as those of its guest', () => {
    const words = { vmmWords: ['-x'], append: 'y', unikernel: undefined };
    expect(argv('crosvm', words).slice(-2)).toEqual(['-x', '/k/vmlinux']);
    expect(argv('includeos', words).slice(-3)).toEqual(['-x', '/k/vmlinux', 'y']);
  });

  it('are nothing that Kata takes', () => {
    expect(() => launch('kata', { vmmWords: ['-x'] })).toThrow('takes nothing else: -x');
  });
});

describe('the root filesystem', () => {
  const kernelLine = (options: Partial<LaunchOptions>): string | undefined => argv('kvmtool', options).at(-1);
  const verity: Verity = {
    rootHash: new Uint8Array(32).fill(0xab),
    salt: new Uint8Array(0),
    uuid: new Uint8Array(16),
    dataBlocks: 2,
    hashOffset: 8192,
  };

  it('is the first disk, or a partition of it', () => {
    expect(kernelLine({ root: {} })).toBe('root=/dev/vda ro');
    expect(kernelLine({ root: { partition: 2 }, readOnly: false })).toBe('root=/dev/vda2 rw');
    expect(launch('xen', { root: { partition: 1 } }).files[0]?.text).toContain('root=/dev/xvda1 ro');
  });

  it('is behind its hash tree, made by the kernel or by an initrd', () => {
    const hash = 'ab'.repeat(32);
    expect(kernelLine({ root: { verity }, initrd: undefined })).toBe(
      `dm-mod.create="root,,,ro,0 16 verity 1 /dev/vda /dev/vda 4096 4096 2 3 sha256 ${hash} -" root=/dev/dm-0 ro`,
    );
    expect(kernelLine({ root: { verity } })).toMatch(new RegExp(`^roothash=${hash} .* root=/dev/mapper/root ro$`));
    expect(launch('xen', { root: { verity }, initrd: undefined }).files[0]?.text).toContain(
      'verity 1 /dev/xvda /dev/xvda',
    );
  });
});

describe('every VMM', () => {
  it.each(VMMS.map((vmm) => [vmm.name, vmm] as const))('%s has a name and ways to attach, each once', (_, vmm) => {
    const ways = vmm.attachments.map(([as]) => as);
    expect(ways.length).toBeGreaterThan(0);
    expect(new Set(ways).size).toBe(ways.length);
    expect(VMMS.filter(({ name }) => name === vmm.name)).toEqual([vmm]);
  });
});

describe('docs/systems.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/systems.md'), 'utf8');
  /** The cells of a table's rows, by its first heading. */
  const rowsOf = (heading: string): string[][] => {
    const lines = page
      .slice(page.indexOf(`| ${heading} |`))
      .split('\n')
      .slice(2);
    const rows = lines.slice(
      0,
      lines.findIndex((line) => !line.startsWith('|')),
    );
    return rows.map((row) =>
      row
        .split('|')
        .map((cell) => cell.trim().replace(/^`([^`]*)`$/, '$1'))
        .slice(1),
    );
  };

  it('has a row for every VMM, in their order, that says what of it is executed', () => {
    const ends = VMMS.map(({ name, attachments }) => [
      name,
      attachments.map(([as, status]) => `${as} ${status}`).join(', '),
    ]);
    expect(rowsOf('`--vmm`').map(([name, , ways]) => [name, ways])).toEqual(ends);
  });

  it('has a row for every way with a bridge, with the packages of its programs', () => {
    const bridged = ATTACHMENTS.filter((as) => !['nbd', 'file'].includes(as));
    const rows = rowsOf('way').map(([as = '', programs = '', packages = '']) => [as, programs, packages] as const);
    expect(rows.map(([as]) => as)).toEqual(bridged);
    for (const [, programs, packages] of rows) {
      const names = [...programs.matchAll(/`(?:--bridge )?([\w-]+)(?: [^`]*)?`|^([\w-]+)$/g)].map(
        ([, a, c]) => a ?? c ?? '',
      );
      const known = names.map(debianPackage).filter((name) => name !== undefined);
      expect([...new Set(known)].join(', ')).toBe(packages);
    }
  });
});
