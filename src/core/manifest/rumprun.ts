import { utf8ByteString } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import { xenDiskName } from './xen.ts';
import {
  formatRumprunJson,
  parseRumprunJson,
  type RumprunMember,
  type RumprunMembers,
  type RumprunValue,
} from './rumprun-json.ts';

/** What a Rumprun unikernel runs on: hardware, real or virtual, or Xen. */
export type RumprunPlatform = 'hw' | 'xen';

/** The configuration of a Rumprun unikernel. https://github.com/rumpkernel/rumprun/blob/master/lib/librumprun_base/config.c */
export interface RumprunConfiguration extends RumprunMembers {
  /** Names it in errors. */
  readonly name: string;
}

/** The `source` of a `blk` entry whose `path` is an image to attach. Rumprun has none of that name. */
const RUMPRUN_IMAGE_SOURCE = 'blockloom';
/** The longest command line of a kernel on hardware, in bytes with its final zero: BMK_MULTIBOOT_CMDLINE_SIZE. */
const RUMPRUN_COMMAND_LINE_MAX = 4096;

const KEYS = ['cmdline', 'rc', 'rc_TESTING', 'env', 'hostname', 'blk', 'net'];
const BLOCK_KEYS = ['source', 'path', 'fstype', 'mountpoint'];
/** The filesystem type of all that is on a disk: FFS, ext2 or ISO 9660, whichever it turns out to be. */
const ON_DISK = 'blk';
/** Disks of Xen are named by letters. */
const XEN_DISKS_MAX = 26;

/** Reads a configuration. Unknown keys and a second network, with which Rumprun gives up, throw `manifest-invalid`. */
export function readRumprun(bytes: Uint8Array, name: string): RumprunConfiguration {
  const { members } = parseRumprunJson(bytes, name);
  for (const [key, value] of members) {
    if (!KEYS.includes(key)) throw invalid(name, `"${key}", expected one of ${KEYS.join(', ')}`);
    if (key === 'blk') blockOf(name, value);
  }
  if (members.filter(([key]) => key === 'net').length > 1) throw invalid(name, 'two of "net", expected one');
  return { members, name };
}

/** The members of a `blk` entry, all of which are strings. */
function blockOf(name: string, value: RumprunValue): ReadonlyMap<string, string> {
  if (typeof value === 'string' || !('members' in value)) throw invalid(name, 'blk is no object');
  const block = new Map<string, string>();
  for (const [key, member] of value.members) {
    if (!BLOCK_KEYS.includes(key)) throw invalid(name, `blk has "${key}", expected one of ${BLOCK_KEYS.join(', ')}`);
    if (typeof member !== 'string') throw invalid(name, `blk, ${key}: expected a string`);
    if (block.has(key)) throw invalid(name, `blk has two of "${key}"`);
    block.set(key, member);
  }
  for (const key of ['source', 'path']) if (!block.has(key)) throw invalid(name, `blk without "${key}"`);
  return block;
}

/** What the images are that entries of a configuration name, in order. */
export const rumprunImages = ({ members, name }: RumprunConfiguration): string[] =>
  members.flatMap(([key, value]) => {
    const image = key === 'blk' ? imageOf(blockOf(name, value)) : undefined;
    return image === undefined ? [] : [image];
  });

const imageOf = (block: ReadonlyMap<string, string>): string | undefined =>
  block.get('source') === RUMPRUN_IMAGE_SOURCE ? block.get('path') : undefined;

/**
 * The configuration with devices in place of images: the first image is the first disk that is attached, and so on. All else stays.
 * Throws `manifest-invalid` where an entry names a disk that an image gets.
 */
export function attachRumprunImages(
  configuration: RumprunConfiguration,
  platform: RumprunPlatform,
): RumprunConfiguration {
  const { members, name } = configuration;
  const count = rumprunImages(configuration).length;
  if (platform === 'xen' && count > XEN_DISKS_MAX) throw invalid(name, `${count} images, expected ${XEN_DISKS_MAX}`);
  const disks = Array.from({ length: count }, (_, i) => diskOf(platform, i));
  let attached = 0;
  const rewrite = ([key, value]: RumprunMember): RumprunMember => {
    if (key !== 'blk') return [key, value];
    const block = blockOf(name, value);
    if (imageOf(block) !== undefined) return [key, attachedBlock(name, block, disks[attached++]!)];
    const path = block.get('path') ?? '';
    if (disks.some((disk) => disk.path === path)) throw invalid(name, `blk of ${path}, which is the disk of an image`);
    return [key, value];
  };
  return { name, members: members.map(rewrite) };
}

interface Disk {
  readonly source: string;
  readonly path: string;
}

/** The Nth disk of virtio as NetBSD names it, whole; of Xen as its configuration does. */
const diskOf = (platform: RumprunPlatform, index: number): Disk =>
  platform === 'hw' ? { source: 'dev', path: `/dev/ld${index}a` } : { source: 'etfs', path: xenDiskName(index) };

function attachedBlock(name: string, block: ReadonlyMap<string, string>, { source, path }: Disk): RumprunMembers {
  const mountpoint = block.get('mountpoint');
  const fstype = block.get('fstype') ?? ON_DISK;
  if (fstype !== ON_DISK) throw invalid(name, `blk of an image, fstype: "${fstype}", expected ${ON_DISK}`);
  const mounted: RumprunMember[] =
    mountpoint === undefined
      ? []
      : [
          ['fstype', fstype],
          ['mountpoint', mountpoint],
        ];
  return { members: [['source', source], ['path', path], ...mounted] };
}

/** The text of a configuration, in one line. */
export const encodeRumprun = ({ members }: RumprunConfiguration): string => formatRumprunJson({ members });

/**
 * The text of a configuration as a kernel's command line, which begins with the kernel's path; throws `manifest-invalid` where it is
 * longer than Rumprun takes.
 */
export function rumprunCommandLine(configuration: RumprunConfiguration, kernel: string): string {
  const text = encodeRumprun(configuration);
  const length = utf8ByteString(`${kernel} ${text}`).length + 1;
  if (length <= RUMPRUN_COMMAND_LINE_MAX) return text;
  throw invalid(
    configuration.name,
    `a command line of ${length} bytes with the kernel's path, expected at most ${RUMPRUN_COMMAND_LINE_MAX}`,
  );
}

/** A configuration whose program has a command line, and finds the one image at /data. Throws `option-invalid`. */
export function defaultRumprun(commandLine: string): RumprunConfiguration {
  if (!/^[^"\\\p{Cc}]*$/u.test(commandLine)) {
    throw new ImageError(
      'option-invalid',
      `${JSON.stringify(commandLine)}: quotes and backslashes are for a configuration`,
    );
  }
  const block: RumprunMember[] = [
    ['source', RUMPRUN_IMAGE_SOURCE],
    ['path', ''],
    ['mountpoint', '/data'],
  ];
  return {
    name: 'configuration',
    members: [
      ['blk', { members: block }],
      ['cmdline', commandLine],
    ],
  };
}

const invalid = (name: string, what: string): ImageError => new ImageError('manifest-invalid', `${name}: ${what}`);
