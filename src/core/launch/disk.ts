/** The ways in which an image becomes a disk, from the one that copies least to the one that copies all. */
export const ATTACHMENTS = ['nbd', 'vhost-user', 'fuse', 'nbd-device', 'file'] as const;

/**
 * `nbd`: the VMM is a client of our server. `vhost-user`: qemu-storage-daemon is the client, and a vhost-user-blk device for the VMM.
 * `fuse`: a file that is read from our server. `nbd-device`: the host's kernel is the client. `file`: the image, written.
 */
export type Attachment = (typeof ATTACHMENTS)[number];

/** An image as a disk of a VMM. Paths are what the VMM is to open. */
export type Disk =
  | { readonly as: 'nbd'; readonly socket: string; readonly exportName: string; readonly uri: string }
  | { readonly as: 'vhost-user'; readonly socket: string }
  | { readonly as: 'fuse' | 'nbd-device' | 'file'; readonly path: string };

/** A disk as a guest has it. */
export interface GuestDisk {
  /** For the guest: virtio's serial number, the VMM's identifier, or a unikernel's block device. At most 20 bytes of `[A-Za-z0-9_-]`. */
  readonly name: string;
  readonly disk: Disk;
  /** What is on it: the type of a filesystem; undefined for a file of anything. */
  readonly filesystem?: string | undefined;
}
