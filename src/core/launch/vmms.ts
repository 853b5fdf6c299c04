import { launchCloudHypervisor } from './cloud-hypervisor.ts';
import { launchCrosvm } from './crosvm.ts';
import type { Attachment } from './disk.ts';
import { launchFirecracker } from './firecracker.ts';
import { launchKvmtool } from './kvmtool.ts';
import { launchIncludeos } from './includeos.ts';
import { launchKata } from './kata.ts';
import type { LaunchStatus, Vmm } from './launch.ts';
import { launchQemu } from './qemu-vmm.ts';
import { launchRumprun, launchRumprunXen } from './rumprun.ts';
import { launchSolo5, launchSolo5Virtio } from './solo5.ts';
import { launchVfkit } from './vfkit.ts';
import { launchXen } from './xen.ts';
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

/** What opens its disks for writing, or mounts them so, and cannot be told not to. */
const UNIKERNEL = { needsKernel: true, needsWritable: true } as const;

/** Unikernels in QEMU. Tests run it with a kernel in place of theirs that says what it is told and what disks it finds. */
const UNIKERNEL_ATTACHMENTS = grammar('nbd', 'fuse', 'nbd-device', 'file');

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
  { name: 'xen', attachments: grammar('nbd-device', 'fuse', 'file'), ...LINUX_LOADER, launch: launchXen },
  {
    name: 'solo5-hvt',
    attachments: grammar('fuse', 'nbd-device', 'file'),
    ...UNIKERNEL,
    launch: (options) => launchSolo5('hvt', options),
  },
  {
    name: 'solo5-spt',
    attachments: grammar('fuse', 'nbd-device', 'file'),
    ...UNIKERNEL,
    launch: (options) => launchSolo5('spt', options),
  },
  { name: 'solo5-virtio', attachments: UNIKERNEL_ATTACHMENTS, ...LINUX_LOADER, launch: launchSolo5Virtio },
  { name: 'rumprun', attachments: UNIKERNEL_ATTACHMENTS, ...UNIKERNEL, launch: launchRumprun },
  {
    name: 'rumprun-xen',
    attachments: grammar('nbd-device', 'fuse', 'file'),
    ...UNIKERNEL,
    launch: launchRumprunXen,
  },
  { name: 'includeos', attachments: grammar('nbd', 'fuse', 'file'), ...UNIKERNEL, launch: launchIncludeos },
  {
    name: 'kata',
    attachments: grammar('nbd-device', 'file'),
    needsKernel: false,
    needsWritable: false,
    launch: launchKata,
  },
];
