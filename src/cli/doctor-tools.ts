/** A program that works with images, and what it is good for. */
export interface Tool {
  readonly command: string;
  /** What makes it print its version; undefined where nothing does. */
  readonly flag: string | undefined;
  /** The Debian package. */
  readonly debian: string;
  readonly enables: string;
}

const QEMU_SYSTEMS: Readonly<Record<string, readonly [command: string, debian: string]>> = {
  x64: ['qemu-system-x86_64', 'qemu-system-x86'],
  arm64: ['qemu-system-aarch64', 'qemu-system-arm'],
  riscv64: ['qemu-system-riscv64', 'qemu-system-misc'],
};
const [qemuSystem, qemuPackage] = QEMU_SYSTEMS[process.arch] ?? QEMU_SYSTEMS['x64']!;

export const TOOLS: readonly Tool[] = [
  { command: 'e2fsck', flag: '-V', debian: 'e2fsprogs', enables: 'checking images' },
  { command: 'debugfs', flag: '-V', debian: 'e2fsprogs', enables: 'looking into images without mounting them' },
  { command: qemuSystem, flag: '--version', debian: qemuPackage, enables: 'guests that boot from what is served' },
  {
    command: 'qemu-img',
    flag: '--version',
    debian: 'qemu-utils',
    enables: 'converting images; reading what is served',
  },
  {
    command: 'qemu-nbd',
    flag: '--version',
    debian: 'qemu-utils',
    enables: 'what is served as a disk here (with nbd in the kernel)',
  },
  { command: 'nbd-client', flag: '--version', debian: 'nbd-client', enables: 'the same; lists exports' },
  { command: 'nbdkit', flag: '--version', debian: 'nbdkit', enables: 'filters in front of what is served' },
  { command: 'nbdcopy', flag: '--version', debian: 'libnbd-bin', enables: 'copying what is served' },
  {
    command: 'nbdinfo',
    flag: '--version',
    debian: 'libnbd-bin',
    enables: 'what a server offers, and where its holes are',
  },
  { command: 'nbdfuse', flag: '--version', debian: 'libnbd-bin', enables: 'what is served as a file (with FUSE)' },
  { command: 'skopeo', flag: '--version', debian: 'skopeo', enables: 'copying container images between forms' },
  { command: 'umoci', flag: '--version', debian: 'umoci', enables: 'making and unpacking container images' },
];
