import { describe, expect, it } from 'vitest';
import { scriptOf, stepsOf } from '../../../../src/core/launch/attach-script.ts';
import { type AttachOptions, type AttachPlan, planAttachment } from '../../../../src/core/launch/attach.ts';
import { VMMS } from '../../../../src/core/launch/vmms.ts';
import { LAUNCH } from '../../../helpers/launch-options.ts';

const COMMANDS = {
  serve: ['blockloom', 'serve', 'a.tar', '--export', 'disk'],
  builds: [
    ['blockloom', 'build', 'a.tar'],
    ['blockloom', 'build', 'b.tar'],
  ],
};

function plan(options: Partial<AttachOptions> & { named?: string }): AttachPlan {
  const { disks: _, ...launch } = LAUNCH;
  return planAttachment({
    ...launch,
    images: [{ name: 'disk' }],
    readOnly: true,
    fuseBridge: 'qemu-storage-daemon',
    vmm: VMMS.find(({ name }) => name === options.named),
    uriOf: (socket, name) => `nbd+unix:///${name}?socket=${socket}`,
    ...options,
  });
}

const stepNames = (options: Parameters<typeof plan>[0]): string[] =>
  stepsOf(plan(options), COMMANDS).map(({ name, argv }) => `${name} ${argv[0]}`);

const TWO = [{ name: 'a' }, { name: 'b' }];
const FILE = [{ name: 'disk', file: '/i' }];
const NODE = 'driver=nbd,node-name=disk,server.type=unix,server.path=/d/nbd.sock,export=disk,read-only=on';

describe('a plan', () => {
  it('is what the VMM takes best, unless told', () => {
    expect(stepNames({ named: 'qemu' })).toEqual(['serve blockloom', 'vmm qemu-system-x86_64']);
    expect(stepNames({ named: 'firecracker' })).toEqual([
      'serve blockloom',
      'bridge qemu-storage-daemon',
      'vmm firecracker',
    ]);
    expect(stepNames({ named: 'xhyve' })).toEqual(['build blockloom', 'vmm xhyve']);
    expect(stepNames({ named: 'kvmtool', as: 'nbd-device' })).toEqual([
      'serve blockloom',
      'bridge nbd-client',
      'vmm lkvm',
    ]);
    expect(stepNames({ as: 'fuse', fuseBridge: 'nbdfuse' })).toEqual(['serve blockloom', 'bridge nbdfuse']);
    expect(stepNames({ as: 'vhost-user', run: 'my-vmm' })).toEqual([
      'serve blockloom',
      'bridge qemu-storage-daemon',
      'vmm sh',
    ]);
    expect(stepNames({ named: 'qemu', as: 'file', images: [{ name: 'disk', file: '/i/disk.img' }] })).toEqual([
      'vmm qemu-system-x86_64',
    ]);
  });

  it('has another program where it is told so', () => {
    expect(plan({ named: 'qemu', program: './my-qemu', vmmWords: ['-x'] }).launch?.argv).toMatchObject({
      0: './my-qemu',
    });
  });

  it('has a disk for each image: of one server, or each from a bridge or a file of its own', () => {
    const disks = (options: Parameters<typeof plan>[0]): unknown[] =>
      plan({ images: TWO, ...options }).disks.map(({ disk }) => disk);
    expect(disks({ as: 'nbd', at: '/s' })).toMatchObject([
      { socket: '/s', exportName: 'a' },
      { socket: '/s', exportName: 'b' },
    ]);
    expect(disks({ as: 'nbd-device' })).toMatchObject([{ path: '/dev/nbd0' }, { path: '/dev/nbd1' }]);
    expect(disks({ as: 'vhost-user' })).toMatchObject([
      { socket: '/d/vhost-user-a.sock' },
      { socket: '/d/vhost-user-b.sock' },
    ]);
    expect(stepNames({ images: TWO, as: 'fuse', run: 'x' })).toEqual([
      'serve blockloom',
      'bridge qemu-storage-daemon',
      'bridge qemu-storage-daemon',
      'vmm sh',
    ]);
    const files = stepsOf(plan({ images: TWO, named: 'xhyve' }), COMMANDS).map(({ argv }) => argv.join(' '));
    expect(files.slice(0, 2)).toEqual(['blockloom build a.tar -o /d/a.img', 'blockloom build b.tar -o /d/b.img']);
    expect(plan({ images: TWO, as: 'fuse', run: 'x' }).launch?.argv.slice(-3)).toEqual(['sh', '/d/a.img', '/d/b.img']);
  });

  it('has the bridges as their manuals say', () => {
    const bridge = (options: Parameters<typeof plan>[0]): readonly string[] | undefined =>
      plan(options).disks[0]?.bridge?.argv;
    expect(bridge({ as: 'fuse' })).toEqual([
      'qemu-storage-daemon',
      '--blockdev',
      NODE,
      '--export',
      'type=fuse,id=fuse,node-name=disk,mountpoint=/d/disk.img,writable=off',
    ]);
    expect(bridge({ as: 'vhost-user', at: '/s,v', readOnly: false })).toEqual([
      'qemu-storage-daemon',
      '--blockdev',
      NODE.replace('=on', '=off'),
      '--export',
      'type=vhost-user-blk,id=vhost-user,node-name=disk,addr.type=unix,addr.path=/s,,v,writable=on,num-queues=1',
    ]);
    const uri = 'nbd+unix:///disk?socket=/d/nbd.sock';
    expect(bridge({ as: 'fuse', fuseBridge: 'nbdfuse' })).toEqual(['nbdfuse', '--readonly', '/d/disk.img', uri]);
    expect(plan({ as: 'nbd-device', at: '/dev/nbd3' }).disks[0]?.bridge).toMatchObject({
      argv: ['nbd-client', '-unix', '/d/nbd.sock', '-N', 'disk', '/dev/nbd3', '-b', '4096'],
      stop: ['nbd-client', '-d', '/dev/nbd3'],
    });
  });

  it.each([
    [{}, /a VMM or a way to attach is missing/],
    [{ named: 'xhyve', as: 'nbd' }, /xhyve takes no disk as nbd, but as file, fuse/],
    [{ named: 'firecracker', kernel: undefined }, /firecracker boots a kernel that it is given/],
    [{ images: TWO, as: 'fuse', at: '/x' }, /--at is one place, and 2 images/],
    [{ as: 'fuse', vmmWords: ['-x'] }, /what stands behind -- and --program are for a VMM/],
    [{ as: 'fuse', program: 'x' }, /are for a VMM: --vmm is missing/],
    [{ named: 'kata', as: 'nbd-device', program: 'x' }, /kata is started by a script/],
    [{ named: 'rumprun' }, /rumprun opens its disk for writing: --writable is missing/],
    [{ named: 'qemu', as: 'file', images: FILE, readOnly: false }, /a guest would write to \/i itself/],
    [{ named: 'qemu', as: 'file', images: FILE, at: '/j' }, /\/i is an image already/],
  ] as const)('is refused: %j', (options, message) => {
    expect(() => plan(options)).toThrow(message);
  });

  it('is a script that ends what it began', () => {
    expect(scriptOf(plan({ named: 'kvmtool', as: 'nbd-device' }), COMMANDS)).toBe(
      [
        '(',
        'set -e; pids= made=0',
        'mkdir -m 700 /d',
        'trap \'{ set +e; [ "$made" -le 0 ] || nbd-client -d /dev/nbd0; for pid in $pids; do kill $pid; wait $pid; done; rm -rf /d; } 2>/dev/null\' EXIT',
        "trap 'exit 130' INT; trap 'exit 143' TERM",
        'blockloom serve a.tar --export disk --socket /d/nbd.sock >/dev/null & pids="$! $pids"',
        'until [ -S /d/nbd.sock ]; do jobs >/dev/null; kill -0 $! 2>/dev/null; sleep 0.1; done',
        'nbd-client -unix /d/nbd.sock -N disk /dev/nbd0 -b 4096',
        'made=$((made + 1))',
        "lkvm run -k /k/app -c 2 -m 256 -d /dev/nbd0,ro -p 'root=/dev/vda ro'",
        ')',
      ].join('\n'),
    );
  });
});
