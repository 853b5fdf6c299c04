import { ImageError } from '../errors.ts';
import { JsonValue } from '../oci/json.ts';

/** The longest vm.json that is read, in bytes. */
const BYTES_MAX = 256 * 1024;
const DRIVES_MAX = 64;
const TYPES = ['ide', 'virtio', 'virtio-scsi', 'nvme'];
const FORMATS = ['raw', 'qcow2', 'vdi'];
const MEDIA = ['disk'];

/** A drive of an IncludeOS virtual machine. https://github.com/includeos/vmrunner/blob/master/vmrunner/vm.schema.json */
interface Drive {
  readonly file: string;
  readonly type: 'virtio';
  readonly format: 'raw';
  readonly media: 'disk';
}

/**
 * A vm.json with drives behind those that it has: `files` are paths or NBD URIs, which vmrunner hands to QEMU as they are. `name` names it in
 * errors. Throws `manifest-invalid`.
 */
export function addIncludeosDrives(bytes: Uint8Array, name: string, files: readonly string[]): string {
  const json = JsonValue.parse(bytes, name, BYTES_MAX, 'manifest-invalid');
  const drives = json.get('drives');
  for (const drive of drives.elements(DRIVES_MAX - files.length)) {
    drive.get('file').string();
    drive.get('type').oneOf(TYPES);
    drive.get('format').oneOf(FORMATS);
    drive.get('media').oneOf(MEDIA);
  }
  const all = JSON.parse(new TextDecoder().decode(bytes)) as { readonly drives?: readonly unknown[] };
  return `${JSON.stringify({ ...all, drives: [...(all.drives ?? []), ...files.map(driveOf)] }, null, 2)}\n`;
}

function driveOf(file: string): Drive {
  // QEMU ends the value of an option at a comma, and vmrunner does not double it.
  if (file.includes(','))
    throw new ImageError('option-invalid', `${file}: a comma, which vmrunner cannot hand to QEMU`);
  return { file, type: 'virtio', format: 'raw', media: 'disk' };
}
