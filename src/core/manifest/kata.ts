import { utf8ByteString } from '../bytes.ts';
import { ImageError } from '../errors.ts';

/** Where Kata's runtimes look for direct volumes, a directory each. https://github.com/kata-containers/kata-containers/blob/main/docs/design/direct-blk-device-assignment.md */
const DIRECT_VOLUMES = '/run/kata-containers/shared/direct-volumes';

/** A file that has to be there, and its permissions. */
export interface PlacedFile {
  readonly path: string;
  readonly mode: number;
  readonly text: string;
}

/** An image that a guest mounts in place of what a container's volume has. */
export interface DirectVolume {
  /** The runtime in Go takes a block device, the one in Rust a file too. */
  readonly runtime: 'go' | 'rust';
  /** Where the volume is on the host, as the container's specification names it; absolute. */
  readonly volume: string;
  /** The image's file or a block device, absolute. */
  readonly device: string;
  readonly filesystem: string;
  readonly isReadOnly: boolean;
}

const VOLUME_TYPES = { go: 'block', rust: 'directvol' } as const;

/** The file by which Kata's runtime knows that a volume is an image for the guest to mount. Throws `option-invalid`. */
export function directVolume({ runtime, volume, device, filesystem, isReadOnly }: DirectVolume): PlacedFile {
  const info = {
    'volume-type': VOLUME_TYPES[runtime],
    device: absolute(device),
    fstype: filesystem,
    metadata: {},
    options: [isReadOnly ? 'ro' : 'rw'],
  };
  const directory = `${DIRECT_VOLUMES}/${base64url(absolute(volume))}`;
  return { path: `${directory}/mountInfo.json`, mode: 0o600, text: JSON.stringify(info) };
}

/** RFC 4648, section 5, with padding, as Go's base64.URLEncoding. */
const base64url = (text: string): string => btoa(utf8ByteString(text)).replaceAll('+', '-').replaceAll('/', '_');

/** The root filesystem of Kata's guests. */
export interface KataGuestImage {
  /** Absolute. */
  readonly image: string;
  readonly filesystem: string;
  /** Whether guests map it as an NVDIMM, for which it begins with a superblock of that. */
  readonly isMapped: boolean;
  /** `root_hash=…,salt=…,…`, where a second partition has its hash tree. */
  readonly verity?: string | undefined;
}

/** What a configuration.toml of Kata's QEMU says of a guest image. Throws `option-invalid`. */
export function kataConfiguration({ image, filesystem, isMapped, verity }: KataGuestImage): string {
  const lines = [
    '[hypervisor.qemu]',
    `image = ${tomlString(absolute(image))}`,
    `rootfs_type = ${tomlString(filesystem)}`,
    `disable_image_nvdimm = ${!isMapped}`,
    ...(verity === undefined ? [] : [`kernel_verity_params = ${tomlString(verity)}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** A basic string of TOML, whose escapes are those of JSON. https://toml.io/en/v1.0.0#string */
const tomlString = (text: string): string => JSON.stringify(text).replaceAll('\x7f', '\\u007f');

function absolute(path: string): string {
  if (path.startsWith('/')) return path;
  throw new ImageError('option-invalid', `${path}: not an absolute path, which Kata needs`);
}
