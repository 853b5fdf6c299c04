import { ImageError } from '../errors.ts';

/** A disk of a Xen guest. */
export interface XenDisk {
  /** A file or a block device, absolute. */
  readonly target: string;
  /** As the guest knows it: `xvda` and so on. */
  readonly vdev: string;
  readonly isReadOnly: boolean;
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
