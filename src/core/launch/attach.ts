import { ImageError } from '../errors.ts';
import { type Bridge, type FuseBridge, fuseBridge, nbdDeviceBridge, type Served, vhostUserBridge } from './bridges.ts';
import type { Attachment, Disk, GuestDisk } from './disk.ts';
import { command, type Launch, type LaunchOptions, type Vmm } from './launch.ts';
import { shellAssignment } from './shell-words.ts';

/** An image that is to be a disk. */
export interface AttachedImage extends Omit<GuestDisk, 'disk'> {
  /** A file that is the image already. */
  readonly file?: string | undefined;
}

/** What is to be attached, to what, and how. */
export interface AttachOptions extends Omit<LaunchOptions, 'disks'> {
  /** At least one, with names that differ. */
  readonly images: readonly AttachedImage[];
  /** Without one there are disks and no VMM. */
  readonly vmm?: Vmm | undefined;
  /** The program in place of the one that the VMM is on PATH. */
  readonly program?: string | undefined;
  /** A shell command in place of a VMM, told of the first disk by `$disk` and of all by `$1` and so on. */
  readonly run?: string | undefined;
  /** What the VMM takes best, unless told. */
  readonly as?: Attachment | undefined;
  /** Where one disk is to be: the socket, file or block device; in `folder` unless told. */
  readonly at?: string | undefined;
  readonly fuseBridge: FuseBridge;
  /** The address of an export at a socket. */
  readonly uriOf: (socket: string, exportName: string) => string;
}

/** What has to be there for one disk, in the order of its making. */
export interface PlannedDisk extends GuestDisk {
  /** `serve` at a socket; `write` a file; or nothing, for a file that is there. */
  readonly image: { readonly kind: 'serve'; readonly served: Served } | { readonly kind: 'write' | 'ready' };
  readonly bridge: Bridge | undefined;
}

/** What has to be there for a VMM to have images as its disks. */
export interface AttachPlan {
  readonly vmm: string | undefined;
  /** An absolute path to a folder that is made, and removed at the end. */
  readonly folder: string;
  /** One of each image, in their order. Those that are served are at one socket. */
  readonly disks: readonly PlannedDisk[];
  readonly launch: Launch | undefined;
}

/** Plans without looking at anything. Throws `option-invalid`. */
export function planAttachment(options: AttachOptions): AttachPlan {
  const { vmm, folder, images, at, vmmWords = [], program } = options;
  const as = wayOf(options);
  if (images.length > 1 && at !== undefined && as !== 'nbd')
    throw new ImageError('option-invalid', `--at is one place, and ${images.length} images are attached`);
  if (vmm === undefined && (vmmWords.length > 0 || program !== undefined))
    throw new ImageError('option-invalid', 'what stands behind -- and --program are for a VMM: --vmm is missing');
  if (vmm !== undefined) checkNeeds(vmm, options);
  const disks = images.map((image, i) => ({ ...image, ...sourceOf(as, image, i, options) }));
  const launch = vmm === undefined ? shellLaunch(options, disks) : vmmLaunch(vmm, options, disks);
  return { vmm: vmm?.name, folder, disks, launch };
}

function vmmLaunch(vmm: Vmm, options: AttachOptions, disks: readonly PlannedDisk[]): Launch {
  const { argv, files } = vmm.launch({ ...options, disks });
  const { program } = options;
  if (program === undefined) return { argv, files };
  const [own, ...words] = argv;
  // A script, which starts several programs.
  if (own === 'sh')
    throw new ImageError('option-invalid', `${vmm.name} is started by a script: --program is for others`);
  return { argv: [program, ...words], files };
}

function shellLaunch({ run }: AttachOptions, disks: readonly PlannedDisk[]): Launch | undefined {
  if (run === undefined) return undefined;
  const places = disks.map(({ disk }) => placeOf(disk));
  return command(['sh', '-c', `${shellAssignment('disk', places[0] ?? '')}\n${run}`, 'sh', ...places]);
}

/** Where a disk is, for what is not known here: a path, or the URI of our server. */
export function placeOf(disk: Disk): string {
  if (disk.as === 'nbd') return disk.uri;
  return disk.as === 'vhost-user' ? disk.socket : disk.path;
}

function wayOf({ vmm, as }: AttachOptions): Attachment {
  if (vmm === undefined) {
    if (as !== undefined) return as;
    throw new ImageError('option-invalid', 'a VMM or a way to attach is missing: --vmm, or --as without one');
  }
  const ways = vmm.attachments.map(([way]) => way);
  const [best] = ways;
  const chosen = as ?? best;
  if (chosen !== undefined && ways.includes(chosen)) return chosen;
  throw new ImageError('option-invalid', `${vmm.name} takes no disk as ${as}, but as ${ways.join(', ')}`);
}

function checkNeeds({ name, needsKernel, needsWritable }: Vmm, { kernel, readOnly }: AttachOptions): void {
  if (needsKernel && kernel === undefined)
    throw new ImageError('option-invalid', `${name} boots a kernel that it is given: --kernel is missing`);
  if (needsWritable && readOnly)
    throw new ImageError('option-invalid', `${name} opens its disk for writing: --writable is missing`);
}

type Source = Pick<PlannedDisk, 'image' | 'bridge' | 'disk'>;

function sourceOf(as: Attachment, given: AttachedImage, index: number, options: AttachOptions): Source {
  const { folder, readOnly, at, uriOf } = options;
  const { name } = given;
  if (as === 'file') return fileSource(given, options);
  const socket = as === 'nbd' && at !== undefined ? at : `${folder}/nbd.sock`;
  const served = { socket, exportName: name, uri: uriOf(socket, name) };
  const image = { kind: 'serve', served } as const;
  switch (as) {
    case 'nbd':
      return { image, bridge: undefined, disk: { as, ...served } };
    case 'vhost-user': {
      const path = at ?? `${folder}/vhost-user-${name}.sock`;
      return { image, bridge: vhostUserBridge(served, path, readOnly), disk: { as, socket: path } };
    }
    case 'fuse': {
      const path = at ?? `${folder}/${name}.img`;
      return { image, bridge: fuseBridge(options.fuseBridge, served, path, readOnly), disk: { as, path } };
    }
    case 'nbd-device': {
      const path = at ?? `/dev/nbd${index}`;
      return { image, bridge: nbdDeviceBridge(served, path), disk: { as, path } };
    }
  }
}

/** A file that a guest writes to is its own, never one that was there before. */
function fileSource({ name, file }: AttachedImage, { at, readOnly, folder }: AttachOptions): Source {
  if (file === undefined)
    return { image: { kind: 'write' }, bridge: undefined, disk: { as: 'file', path: at ?? `${folder}/${name}.img` } };
  if (at !== undefined) throw new ImageError('option-invalid', `${file} is an image already: --at is for others`);
  if (!readOnly) throw new ImageError('option-invalid', `a guest would write to ${file} itself: give it a copy`);
  return { image: { kind: 'ready' }, bridge: undefined, disk: { as: 'file', path: file } };
}
