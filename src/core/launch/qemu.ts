/** Where a disk's bytes come from. */
export type QemuDiskSource =
  /** A raw image in a regular file, or on a block device of the host. */
  | { readonly kind: 'file' | 'device'; readonly path: string }
  /** A vhost-user-blk device at a unix socket, which shares the guest's memory, and says itself whether it can be written. */
  | { readonly kind: 'vhost-user'; readonly socket: string }
  /** An export of an NBD server at a unix socket; '' is the server's first. */
  | { readonly kind: 'nbd'; readonly socket: string; readonly exportName: string };

/** A virtio disk of a guest. */
export interface QemuDisk {
  readonly source: QemuDiskSource;
  /** What guests find it by in /dev/disk/by-id, at most 20 bytes. */
  readonly serial?: string | undefined;
  readonly readOnly: boolean;
}

/** How devices are attached: PCI, or virtio-mmio in a microvm. */
export type QemuBus = 'pci' | 'mmio';

/** How many bytes a virtio disk's serial number has (VIRTIO_BLK_ID_BYTES). */
const SERIAL_BYTES_MAX = 20;
/** How many queues a disk has: QEMU's NBD client has one connection, which more would only contend for. */
const QUEUES = 2;
/** How long QEMU waits for a server that has gone to come back, and for one that is to come, in seconds. */
const RECONNECT_SECONDS = 30;
const OPEN_SECONDS = 10;

/**
 * QEMU's arguments for virtio disks, the first is /dev/vda. Disks over NBD have an I/O thread on PCI; their blocks are not cached
 * twice. https://www.qemu.org/docs/master/system/qemu-block-drivers.html
 */
export function qemuDisks(disks: readonly QemuDisk[], bus: QemuBus): string[] {
  return disks.flatMap((disk, i) => diskArguments(disk, `disk${i}`, bus));
}

function diskArguments(disk: QemuDisk, id: string, bus: QemuBus): string[] {
  const { source, serial = '', readOnly } = disk;
  if (source.kind === 'vhost-user') return vhostArguments(source.socket, id, bus);
  const isThreaded = source.kind === 'nbd' && bus === 'pci';
  const device = {
    drive: id,
    ...(isThreaded && { iothread: `${id}-io`, 'num-queues': String(QUEUES) }),
    ...(serial !== '' && { serial: serial.slice(0, SERIAL_BYTES_MAX) }),
  };
  return [
    ...(isThreaded ? ['-object', `iothread,id=${id}-io`] : []),
    ...nodeArguments(source, id, readOnly ? 'on' : 'off'),
    '-device',
    qemuOption(`virtio-blk-${suffixOf(bus)}`, device),
  ];
}

function vhostArguments(socket: string, id: string, bus: QemuBus): string[] {
  // The one device whose name has no ending without PCI.
  const device = qemuOption(bus === 'pci' ? 'vhost-user-blk-pci' : 'vhost-user-blk', { chardev: `${id}-socket` });
  return ['-chardev', qemuOption('socket', { id: `${id}-socket`, path: socket }), '-device', device];
}

type NodeSource = Exclude<QemuDiskSource, { kind: 'vhost-user' }>;

function nodeArguments(source: NodeSource, id: string, readOnly: 'on' | 'off'): string[] {
  if (source.kind !== 'nbd') {
    const driver = source.kind === 'file' ? 'file' : 'host_device';
    const file = { driver, 'node-name': `${id}-file`, filename: source.path, 'read-only': readOnly };
    const raw = { driver: 'raw', 'node-name': id, file: `${id}-file`, 'read-only': readOnly };
    return ['-blockdev', qemuOption('', file), '-blockdev', qemuOption('', raw)];
  }
  const { socket, exportName } = source;
  const node = {
    driver: 'nbd',
    'node-name': id,
    'server.type': 'unix',
    'server.path': socket,
    ...(exportName !== '' && { export: exportName }),
    'read-only': readOnly,
    'reconnect-delay': String(RECONNECT_SECONDS),
    'open-timeout': String(OPEN_SECONDS),
    'cache.direct': 'on',
    discard: 'unmap',
  };
  return ['-blockdev', qemuOption('', node)];
}

/** `NAME,KEY=VALUE,…`, as QEMU splits it again: a comma in a value is doubled. */
export function qemuOption(name: string, values: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(values).map(([key, value]) => `${key}=${value.replaceAll(',', ',,')}`);
  return [...(name === '' ? [] : [name]), ...pairs].join(',');
}

/** A character device of a guest at virtio-serial, whose other side is a connected socket of QEMU's own. */
export interface QemuPort {
  /** Which guests have in the name of the device; 0 is the console, /dev/hvc0. */
  readonly number: number;
  readonly name: string;
  /** The descriptor of the socket. */
  readonly fd: number;
}

/** QEMU's arguments for the ports of virtio-serial. */
export function qemuPorts(ports: readonly QemuPort[], bus: QemuBus): string[] {
  const devices = ports.flatMap(({ number, name, fd }) => [
    '-chardev',
    qemuOption('socket', { id: name, fd: String(fd) }),
    '-device',
    qemuOption(number === 0 ? 'virtconsole' : 'virtserialport', { chardev: name, nr: String(number), name }),
  ]);
  return ['-device', `virtio-serial-${suffixOf(bus)}`, ...devices];
}

/** An architecture of guests, in OCI's name. */
export type QemuArchitecture = 'amd64' | 'arm64';
/** A machine: QEMU's usual one of the architecture, or a microvm, which only amd64 has. */
export type QemuMachine = 'default' | 'microvm';

interface System {
  readonly program: string;
  /** The Debian package that has it. */
  readonly debian: string;
  readonly machine: string;
  /** Its console, in the kernel's name. */
  readonly console: string;
  /** The processor that is emulated. */
  readonly cpu: string;
}

/**
 * QEMU by architecture. Pointers of arm64 are signed by an algorithm that is cheap to emulate: with the architecture's own, guests take much
 * longer. https://www.qemu.org/docs/master/system/arm/cpu-features.html
 */
export const QEMU_SYSTEMS: Readonly<Record<QemuArchitecture, System>> = {
  amd64: { program: 'qemu-system-x86_64', debian: 'qemu-system-x86', machine: 'q35', console: 'ttyS0', cpu: 'max' },
  arm64: {
    program: 'qemu-system-aarch64',
    debian: 'qemu-system-arm',
    machine: 'virt',
    console: 'ttyAMA0',
    cpu: 'max,pauth-impdef=on',
  },
};

/** A guest. Without a kernel its firmware boots the first disk. */
export interface QemuGuest {
  readonly architecture: QemuArchitecture;
  readonly machine: QemuMachine;
  readonly accelerator: 'kvm' | 'tcg';
  /** In bytes. */
  readonly memory: number;
  readonly cpus: number;
  /** Paths. */
  readonly kernel?: string | undefined;
  readonly initrd?: string | undefined;
  /** The kernel's command line. */
  readonly append?: string | undefined;
  readonly disks: readonly QemuDisk[];
}

/** How a machine's devices are attached. */
export const busOf = (machine: QemuMachine): QemuBus => (machine === 'microvm' ? 'mmio' : 'pci');

/** What the name of a virtio device ends with. */
const suffixOf = (bus: QemuBus): string => (bus === 'pci' ? 'pci' : 'device');

/** QEMU's arguments for a guest without a console, network or anything else than its disks; QEMU ends where the guest would reboot. */
export function qemuArguments(guest: QemuGuest): string[] {
  const { architecture, machine, accelerator, cpus, kernel, initrd, append, disks } = guest;
  const bus = busOf(machine);
  const memory = `${Math.ceil(guest.memory / 2 ** 20)}M`;
  const isShared = disks.some(({ source }) => source.kind === 'vhost-user');
  const shared = qemuOption('memory-backend-memfd', { id: 'memory', size: memory, share: 'on' });
  const machineName = machineOf(architecture, machine);
  const processor = accelerator === 'kvm' ? 'host' : QEMU_SYSTEMS[architecture].cpu;
  return [
    ...BARE,
    ...(machine === 'microvm' ? MODERN_MMIO : []),
    ...(isShared ? ['-object', shared] : []),
    '-machine',
    isShared ? `${machineName},memory-backend=memory` : machineName,
    ...optionArguments({ accel: accelerator, cpu: processor, smp: String(cpus), m: memory, kernel, initrd, append }),
    ...qemuDisks(disks, bus),
    '-device',
    `virtio-rng-${suffixOf(bus)}`,
  ];
}

/** Nothing that was not asked for. */
const BARE = ['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'];

/** Virtio 1 for virtio-mmio, which has the older one unless told, which vhost-user bridges do not speak. */
const MODERN_MMIO = ['-global', 'virtio-mmio.force-legacy=false'];

/** Options that have a value. */
function optionArguments(options: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`-${name}`, value]));
}

/**
 * A microvm has its virtio-mmio devices in ACPI's tables, where kernels find them that take none from their command line. Whether it has a
 * real-time clock is QEMU's to say: without KVM kernels look for one for two seconds.
 */
function machineOf(architecture: QemuArchitecture, machine: QemuMachine): string {
  if (machine === 'microvm') return 'microvm,x-option-roms=off,acpi=on';
  return QEMU_SYSTEMS[architecture].machine;
}
