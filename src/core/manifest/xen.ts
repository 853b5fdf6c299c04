import { ImageError } from '../errors.ts';

/** A disk of a Xen guest. */
export interface XenDisk {
  /** A file or a block device, absolute. */
  readonly target: string;
  /** As the guest knows it: `xvda` and so on. */
  readonly vdev: string;
  readonly isReadOnly: boolean;
}

/** Disks are named by letters. */
const DISKS_MAX = 26;

/** The name of a guest's disk, from 0. */
export const xenDiskName = (index: number): string => `xvd${String.fromCharCode(0x61 + index)}`;

/** Disks of a guest by their places, in order. Throws `option-invalid`. */
export function xenDisks(targets: readonly string[], isReadOnly: boolean): XenDisk[] {
  if (targets.length > DISKS_MAX)
    throw new ImageError('option-invalid', `Xen's guests have names for ${DISKS_MAX} disks, not for ${targets.length}`);
  return targets.map((target, i) => ({ target, vdev: xenDiskName(i), isReadOnly }));
}

/** A guest of Xen. */
export interface XenGuest {
  readonly name: string;
  /** `pv` for kernels that know nothing but Xen, `pvh` for others. */
  readonly type: 'pv' | 'pvh';
  /** Paths. */
  readonly kernel: string;
  readonly initrd?: string | undefined;
  /** The kernel's command line. */
  readonly append?: string | undefined;
  /** In mebibytes. */
  readonly memory: number;
  readonly cpus: number;
  readonly disks: readonly XenDisk[];
}

/** The text of an xl.cfg(5). Throws `option-invalid`. */
export function xenConfiguration(guest: XenGuest): string {
  const { name, type, kernel, initrd, append, memory, cpus, disks } = guest;
  const texts = { name, type, kernel, ramdisk: initrd, extra: append };
  const lines = Object.entries(texts).flatMap(([key, text]) =>
    text === undefined ? [] : [`${key} = ${xlString(text)}`],
  );
  return `${[...lines, `memory = ${memory}`, `vcpus = ${cpus}`, xenDiskLine(disks)].join('\n')}\n`;
}

/** The line of an xl.cfg that has a guest's disks. xl-disk-configuration(5). Throws `option-invalid`. */
export const xenDiskLine = (disks: readonly XenDisk[]): string =>
  `disk = [ ${disks.map((disk) => xlString(diskSpecification(disk))).join(', ')} ]`;

/** `target` comes last: named, it takes all that follows, commas and spaces too, but for one comma at the end. */
function diskSpecification({ target, vdev, isReadOnly }: XenDisk): string {
  if (!target.startsWith('/'))
    throw new ImageError('option-invalid', `${target}: not an absolute path, which Xen needs`);
  return `format=raw, vdev=${vdev}, access=${isReadOnly ? 'ro' : 'rw'}, target=${target.endsWith(',') ? `${target},` : target}`;
}

/** A string of xl.cfg(5): in quotes that it does not contain, a backslash doubled. */
function xlString(text: string): string {
  const quote = ["'", '"'].find((mark) => !text.includes(mark));
  if (quote === undefined || /\p{Cc}/u.test(text)) {
    throw new ImageError(
      'option-invalid',
      `${JSON.stringify(text)}: both quotes or control characters, which xl.cfg cannot have`,
    );
  }
  return `${quote}${text.replaceAll('\\', '\\\\')}${quote}`;
}
