import { ImageError } from '../errors.ts';
import { type Bridge, type FuseBridge, fuseBridge, nbdDeviceBridge, type Served, vhostUserBridge } from './bridges.ts';
import type { Attachment, Disk } from './disk.ts';
import { command, type Launch, type LaunchOptions, type Vmm } from './launch.ts';
import { shellAssignment } from './shell-words.ts';

/** What is to be attached, to what, and how. */
export interface AttachOptions extends Omit<LaunchOptions, 'disk'> {
  /** Without one there is a disk and no VMM. */
  readonly vmm?: Vmm | undefined;
  /** A shell command in place of a VMM, told of the disk by `$disk`. */
  readonly run?: string | undefined;
  /** What the VMM takes best, unless told. */
  readonly as?: Attachment | undefined;
  /** Where the disk is to be: the socket, file or block device; in `folder` unless told. */
  readonly at?: string | undefined;
  readonly fuseBridge: FuseBridge;
  /** A file that is the image already. */
  readonly imageFile?: string | undefined;
  /** The address of an export at a socket. */
  readonly uriOf: (socket: string, exportName: string) => string;
}

/** What has to be there for a VMM to have an image as its disk, in the order of its making. */
export interface AttachPlan {
  readonly vmm: string | undefined;
  /** An absolute path to a folder that is made, and removed at the end. */
  readonly folder: string;
  /** `serve` at a socket; `write` a file; or nothing, for a file that is there. */
  readonly image: { readonly kind: 'serve'; readonly served: Served } | { readonly kind: 'write' | 'ready' };
  readonly bridge: Bridge | undefined;
  readonly disk: Disk;
  readonly launch: Launch | undefined;
}

/** Plans without looking at anything. Throws `option-invalid`. */
export function planAttachment(options: AttachOptions): AttachPlan {
  const { vmm, folder } = options;
  const as = wayOf(options);
  if (vmm !== undefined) checkNeeds(vmm, options);
  const { image, bridge, disk } = sourceOf(as, options);
  const launch = vmm?.launch({ ...options, disk }) ?? shellLaunch(options, disk);
  return { vmm: vmm?.name, folder, image, bridge, disk, launch };
}

function shellLaunch({ run }: AttachOptions, disk: Disk): Launch | undefined {
  return run === undefined ? undefined : command(['sh', '-c', `${shellAssignment('disk', placeOf(disk))}\n${run}`]);
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

function sourceOf(as: Attachment, options: AttachOptions): Pick<AttachPlan, 'image' | 'bridge' | 'disk'> {
  const { folder, name, readOnly, at, uriOf } = options;
  if (as === 'file') return fileSource(options);
  const socket = as === 'nbd' && at !== undefined ? at : `${folder}/nbd.sock`;
  const served = { socket, exportName: name, uri: uriOf(socket, name) };
  const image = { kind: 'serve', served } as const;
  switch (as) {
    case 'nbd':
      return { image, bridge: undefined, disk: { as, ...served } };
    case 'vhost-user': {
      const path = at ?? `${folder}/vhost-user.sock`;
      return { image, bridge: vhostUserBridge(served, path, readOnly), disk: { as, socket: path } };
    }
    case 'fuse': {
      const path = at ?? `${folder}/disk.img`;
      return { image, bridge: fuseBridge(options.fuseBridge, served, path, readOnly), disk: { as, path } };
    }
    case 'nbd-device': {
      const path = at ?? '/dev/nbd0';
      return { image, bridge: nbdDeviceBridge(served, path), disk: { as, path } };
    }
  }
}

/** A file that a guest writes to is its own, never one that was there before. */
function fileSource({ imageFile, at, readOnly, folder }: AttachOptions): Pick<AttachPlan, 'image' | 'bridge' | 'disk'> {
  if (imageFile === undefined)
    return { image: { kind: 'write' }, bridge: undefined, disk: { as: 'file', path: at ?? `${folder}/disk.img` } };
  if (at !== undefined) throw new ImageError('option-invalid', `${imageFile} is an image already: --at is for others`);
  if (!readOnly) throw new ImageError('option-invalid', `a guest would write to ${imageFile} itself: give it a copy`);
  return { image: { kind: 'ready' }, bridge: undefined, disk: { as: 'file', path: imageFile } };
}
