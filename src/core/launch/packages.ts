import { QEMU_SYSTEMS } from './qemu.ts';

/** The Debian packages of what bridges and VMMs are made of, where there are some. */
const PACKAGES: ReadonlyMap<string, string> = new Map([
  ...Object.values(QEMU_SYSTEMS).map(({ program, debian }) => [program, debian] as const),
  ['qemu-storage-daemon', 'qemu-system-common'],
  ['nbdfuse', 'libnbd-bin'],
  ['nbd-client', 'nbd-client'],
  ['xl', 'xen-utils-common'],
]);

/** The Debian package that has a program; undefined where none has. */
export function debianPackage(program: string): string | undefined {
  return PACKAGES.get(program);
}
