import { launchCloudHypervisor } from './cloud-hypervisor.ts';
import { launchCrosvm } from './crosvm.ts';
import type { Attachment } from './disk.ts';
import { launchFirecracker } from './firecracker.ts';
import { launchKvmtool } from './kvmtool.ts';
import type { LaunchStatus, Vmm } from './launch.ts';
import { launchQemu } from './qemu-vmm.ts';
import { launchVfkit } from './vfkit.ts';
import { launchXhyve } from './xhyve.ts';

/** Ways to attach that are only compared with the VMM's grammar here. */
function grammar(...ways: readonly Attachment[]): [Attachment, LaunchStatus][] {
  return ways.map((as) => [as, 'grammar']);
}

/** What QEMU takes; there is no nbd in the kernel of every machine that tests run on. */
const QEMU_ATTACHMENTS: Vmm['attachments'] = [
  ['nbd', 'executed'],
  ['vhost-user', 'executed'],
  ['fuse', 'executed'],
  ['nbd-device', 'grammar'],
  ['file', 'executed'],
];

const LINUX_LOADER = { needsKernel: true, needsWritable: false } as const;

/** The VMMs that images are attached to, in the order of the documentation. */
export const VMMS: readonly Vmm[] = [
  {
    name: 'qemu',
    attachments: QEMU_ATTACHMENTS,
    needsKernel: false,
    needsWritable: false,
    launch: (options) => launchQemu('default', options),
  },
  {
    name: 'microvm',
    attachments: QEMU_ATTACHMENTS,
    ...LINUX_LOADER,
    launch: (options) => launchQemu('microvm', options),
  },
  {
    name: 'vfkit',
    attachments: grammar('nbd', 'file'),
    needsKernel: false,
    needsWritable: false,
    launch: launchVfkit,
  },
  {
    name: 'xhyve',
    attachments: grammar('file', 'fuse'),
    ...LINUX_LOADER,
    launch: (options) => launchXhyve('xhyve', options),
  },
  {
    name: 'hyperkit',
    attachments: grammar('file', 'fuse'),
    ...LINUX_LOADER,
    launch: (options) => launchXhyve('hyperkit', options),
  },
  { name: 'kvmtool', attachments: grammar('fuse', 'nbd-device', 'file'), ...LINUX_LOADER, launch: launchKvmtool },
  {
    name: 'crosvm',
    attachments: grammar('vhost-user', 'fuse', 'nbd-device', 'file'),
    ...LINUX_LOADER,
    launch: launchCrosvm,
  },
  {
    name: 'cloud-hypervisor',
    attachments: grammar('vhost-user', 'fuse', 'nbd-device', 'file'),
    ...LINUX_LOADER,
    launch: launchCloudHypervisor,
  },
  {
    name: 'firecracker',
    attachments: grammar('vhost-user', 'fuse', 'nbd-device', 'file'),
    ...LINUX_LOADER,
    launch: launchFirecracker,
  },
];
