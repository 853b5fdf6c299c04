import { describe, expect, it } from 'vitest';
import { type QemuGuest, qemuArguments, qemuDisks, qemuOption } from '../../../../src/core/launch/qemu.ts';

const GUEST: QemuGuest = {
  architecture: 'amd64',
  machine: 'default',
  accelerator: 'tcg',
  memory: 256 * 2 ** 20,
  cpus: 2,
  kernel: '/boot/vmlinuz',
  append: 'console=ttyS0',
  disks: [],
};
const NBD = { kind: 'nbd', socket: '/run/disk.sock', exportName: 'root' } as const;

describe("QEMU's arguments for disks", () => {
  it('have an NBD client with an I/O thread on PCI', () => {
    expect(qemuDisks([{ source: NBD, serial: 'root', readOnly: true }], 'pci')).toEqual([
      '-object',
      'iothread,id=disk0-io',
      '-blockdev',
      'driver=nbd,node-name=disk0,server.type=unix,server.path=/run/disk.sock,export=root,read-only=on,reconnect-delay=30,open-timeout=10,cache.direct=on,discard=unmap',
      '-device',
      'virtio-blk-pci,drive=disk0,iothread=disk0-io,num-queues=2,serial=root',
    ]);
  });

  it('have the plain device of virtio-mmio in a microvm, and no name for the first export', () => {
    const disks = qemuDisks([{ source: { ...NBD, exportName: '' }, readOnly: false }], 'mmio');
    expect(disks.at(-1)).toBe('virtio-blk-device,drive=disk0');
    expect(disks.join(' ')).not.toMatch(/iothread|export=/);
    expect(disks[1]).toContain('read-only=off');
  });

  it('number disks, and have a raw node over a file', () => {
    const file = { source: { kind: 'file', path: 'a,b.img' }, readOnly: true } as const;
    const disks = qemuDisks([{ source: NBD, readOnly: true }, file], 'pci');
    expect(disks.slice(-6)).toEqual([
      '-blockdev',
      'driver=file,node-name=disk1-file,filename=a,,b.img,read-only=on',
      '-blockdev',
      'driver=raw,node-name=disk1,file=disk1-file,read-only=on',
      '-device',
      'virtio-blk-pci,drive=disk1',
    ]);
  });

  it('open a block device as one', () => {
    const device = { source: { kind: 'device', path: '/dev/nbd0' }, readOnly: true } as const;
    expect(qemuDisks([device], 'pci')[1]).toBe(
      'driver=host_device,node-name=disk0-file,filename=/dev/nbd0,read-only=on',
    );
  });

  it('have a vhost-user device at its socket', () => {
    const disk = { source: { kind: 'vhost-user', socket: '/run/v' }, readOnly: true } as const;
    const args = [
      '-chardev',
      'socket,id=disk0-socket,path=/run/v',
      '-device',
      'vhost-user-blk-pci,chardev=disk0-socket',
    ];
    expect(qemuDisks([disk], 'pci')).toEqual(args);
    expect(qemuArguments({ ...GUEST, disks: [disk] }).join(' ')).toContain(
      '-object memory-backend-memfd,id=memory,size=256M,share=on -machine q35,memory-backend=memory',
    );
  });

  it('cut a serial number to what virtio has room for', () => {
    const serial = 'a-name-that-is-longer-than-20-bytes';
    expect(qemuDisks([{ source: NBD, serial, readOnly: true }], 'mmio').at(-1)).toMatch(/serial=a-name-that-is-longe$/);
  });
});

describe("QEMU's arguments for a guest", () => {
  it('are of the usual machine', () => {
    const args = qemuArguments({ ...GUEST, initrd: '/tmp/initramfs' }).join(' ');
    expect(args).toContain(
      '-machine q35 -accel tcg -cpu max -smp 2 -m 256M -kernel /boot/vmlinuz -initrd /tmp/initramfs',
    );
    expect(args).toContain('-append console=ttyS0 -device virtio-rng-pci');
  });

  it('are of a microvm', () => {
    const args = qemuArguments({ ...GUEST, machine: 'microvm' }).join(' ');
    expect(args).toContain('-machine microvm,x-option-roms=off,acpi=on');
    expect(args).toContain('virtio-rng-device');
    expect(args).not.toContain('-initrd');
    expect(qemuArguments({ ...GUEST, kernel: undefined, append: undefined }).join(' ')).not.toMatch(/-kernel|-append/);
  });

  it("have the host's processor with KVM, and whole mebibytes of memory", () => {
    const args = qemuArguments({ ...GUEST, accelerator: 'kvm', memory: 2 ** 20 + 1, architecture: 'arm64' }).join(' ');
    expect(args).toContain('-machine virt -accel kvm -cpu host -smp 2 -m 2M');
  });

  it('have a processor of arm64 that is cheap to emulate', () => {
    const args = qemuArguments({ ...GUEST, architecture: 'arm64' }).join(' ');
    expect(args).toContain('-machine virt -accel tcg -cpu max,pauth-impdef=on -smp 2');
  });
});

describe('an option of QEMU', () => {
  it.each([
    ['device', { drive: 'a' }, 'device,drive=a'],
    ['', { path: '/a,b', 'read-only': 'on' }, 'path=/a,,b,read-only=on'],
  ])('of %j and %j', (name, values, expected) => {
    expect(qemuOption(name, values)).toBe(expected);
  });
});
