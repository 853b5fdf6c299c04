import type { QemuBus } from '../launch/qemu.ts';
import type { GuestTask } from './init-script.ts';
import type { WantedModule } from './module-index.ts';

/** What a kernel needs for a task on a machine, in the order in which it is loaded where it is a module. */
export function wantedModules(bus: QemuBus, task: GuestTask): WantedModule[] {
  return [
    bus === 'pci'
      ? { name: 'virtio_pci', why: 'devices on PCI' }
      : { name: 'virtio_mmio', why: 'the devices of a microvm' },
    { name: 'virtio_blk', why: 'the disk' },
    // For checksums of metadata, where the kernel asks for it by its algorithm.
    { name: 'crc32c_generic', why: 'checksums', isOptional: true },
    { name: 'ext4', why: 'the filesystem of the image' },
    ...(task.root === 'overlay' ? [{ name: 'overlay', why: 'what is written over the image' }] : []),
    ...(task.kind === 'command' ? [{ name: 'virtio_console', why: "the command's input and output" }] : []),
    { name: 'virtio_rng', why: 'random numbers', isOptional: true },
  ];
}
