import { constants, existsSync, statSync } from 'node:fs';
import { homedir, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasNativeZstd } from '../sources/decompress/zstd-engine.ts';
import { defaultCacheDirectory } from '../sources/store/cache-directory.ts';
import {
  existingFolder,
  filesystemOf,
  isAccessible,
  kernelHas,
  kernelMounts,
  programPath,
  programVersion,
  textOf,
} from './doctor-host.ts';
import { TOOLS, type Tool } from './doctor-tools.ts';
import { formatSize } from './units.ts';

/** `broken`: what blockloom cannot do without. `limited` and `missing` take away what `enables` says. */
type Status = 'ok' | 'limited' | 'missing' | 'broken';

/** What was found of one thing on this host. */
export interface Finding {
  readonly what: string;
  readonly status: Status;
  readonly found: string;
  readonly enables: string;
  /** What to do to have it; undefined where nothing is to be done. */
  readonly remedy: string | undefined;
}

/** The places that are looked at. */
export interface DoctorPlaces {
  readonly cache: string | undefined;
  /** Where images would be written. */
  readonly output: string;
}

/** Less than this is little room for layers and images, in bytes. */
const FREE_MIN = 2 ** 30;
const OPEN_FILES_MIN = 4096;

/** Looks at the host, without changing it. Takes some seconds at most. */
export async function examine(places: DoctorPlaces): Promise<Finding[]> {
  const tools = await Promise.all(TOOLS.map(async (tool) => examineTool(tool)));
  return [
    node(),
    zstd(),
    cache(places.cache),
    folder('temporary folder', tmpdir(), 'layers that come as streams, without a cache', 'broken'),
    output(places.output),
    openFiles(),
    kernel(),
    ...devices(),
    ...modules(),
    ...tools,
    ...credentialHelpers(),
  ];
}

function finding(what: string, status: Status, found: string, enables: string, remedy?: string): Finding {
  return { what, status, found, enables, remedy: status === 'ok' ? undefined : remedy };
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isOld = major < 20 || (major === 20 && minor < 19);
  return finding('Node.js', isOld ? 'broken' : 'ok', process.versions.node, 'everything', 'Node.js 20.19 or newer');
}

function zstd(): Finding {
  const found = hasNativeZstd ? 'in zlib' : 'fzstd, some times slower';
  return finding(
    'zstd',
    hasNativeZstd ? 'ok' : 'limited',
    found,
    'layers compressed with zstd',
    'Node.js 22.15 or newer',
  );
}

function cache(path = defaultCacheDirectory()): Finding {
  const enables = 'layers are decompressed once, not every time';
  if (path === undefined) return finding('cache', 'missing', 'no home directory', enables, '--cache DIR');
  return folder('cache', path, enables, 'limited');
}

function output(path: string): Finding {
  const found = folder('output folder', path, 'images as files', 'limited');
  if (found.status !== 'ok') return found;
  const { type } = filesystemOf(existingFolder(path));
  if (type === 'vfat' || type === 'exfat')
    return { ...found, status: 'limited', remedy: 'a filesystem with sparse files: on this one holes take room' };
  const reflinks = ['btrfs', 'xfs', 'bcachefs', 'zfs'].includes(type) ? ', copies may share blocks (cp --reflink)' : '';
  return { ...found, found: `${found.found}${reflinks}` };
}

/** A folder in which files are made. */
function folder(what: string, path: string, enables: string, unwritable: Status): Finding {
  const existing = existingFolder(path);
  if (!statSync(existing).isDirectory() || !isAccessible(existing, constants.W_OK | constants.X_OK))
    return finding(
      what,
      unwritable,
      `${path} cannot be written`,
      enables,
      `make ${existing} writable, or name another`,
    );
  const { type, free } = filesystemOf(existing);
  const found = `${path}: ${type}, ${formatSize(free)} free`;
  return finding(what, free < FREE_MIN ? 'limited' : 'ok', found, enables, 'more free space');
}

function openFiles(): Finding {
  const [, limit = ''] = /^Max open files\s+(\S+)/m.exec(textOf('/proc/self/limits') ?? '') ?? [];
  const enables = 'many clients and many layers at once';
  if (limit === '') return finding('open files', 'ok', 'not told by this system', enables);
  const isLow = Number(limit) < OPEN_FILES_MIN;
  return finding('open files', isLow ? 'limited' : 'ok', `at most ${limit}`, enables, `ulimit -n ${OPEN_FILES_MIN}`);
}

function kernel(): Finding {
  const isLinux = process.platform === 'linux';
  const found = `${process.platform} ${release()}`;
  return finding('kernel', isLinux ? 'ok' : 'limited', found, 'where blockloom is tested', 'Linux');
}

interface Device {
  readonly what: string;
  readonly path: string;
  readonly enables: string;
  readonly absent: string;
}

const DEVICES: readonly Device[] = [
  {
    what: 'KVM',
    path: '/dev/kvm',
    enables: 'guests at full speed',
    absent: 'virtualization in the firmware or the outer guest',
  },
  {
    what: 'FUSE',
    path: '/dev/fuse',
    enables: 'an image as a file without writing it (nbdfuse)',
    absent: 'modprobe fuse',
  },
  { what: 'loop devices', path: '/dev/loop-control', enables: 'mount -o loop', absent: 'modprobe loop' },
];

/** Devices are only looked at: opening /dev/kvm may hang where guests are nested. */
function devices(): Finding[] {
  return DEVICES.map(({ what, path, enables, absent }) => {
    if (!existsSync(path)) return finding(what, 'missing', `no ${path}`, enables, absent);
    if (isAccessible(path, constants.R_OK | constants.W_OK)) return finding(what, 'ok', path, enables);
    return finding(what, 'limited', `${path}: not for this user`, enables, `root, or the group of ${path}`);
  });
}

function modules(): Finding[] {
  const ext4 = kernelMounts('ext4') ? 'now' : kernelHas('ext4');
  return [
    module('ext4 in the kernel', ext4, 'mounting images here', 'ext4'),
    module('nbd in the kernel', kernelHas('nbd'), 'what is served as a disk here (nbd-client, qemu-nbd -c)', 'nbd'),
    module('virtio_blk in the kernel', kernelHas('virtio_blk'), 'this system itself as a guest', 'virtio_blk'),
  ];
}

function module(what: string, has: ReturnType<typeof kernelHas>, enables: string, name: string): Finding {
  if (has === 'now') return finding(what, 'ok', 'there', enables);
  if (has === 'no') return finding(what, 'missing', 'not there', enables, 'a kernel that has it');
  return finding(what, 'limited', 'to be loaded', enables, `modprobe ${name}`);
}

async function examineTool({ command, flag, debian, enables }: Tool): Promise<Finding> {
  const path = programPath(command);
  if (path === undefined) return finding(command, 'missing', 'not on PATH', enables, `apt-get install ${debian}`);
  const version = flag === undefined ? undefined : await programVersion(path, flag);
  return finding(command, 'ok', version === undefined ? path : `${version}, ${path}`, enables);
}

const HELPER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The programs that docker's configuration names for credentials. */
function credentialHelpers(): Finding[] {
  const path = join(process.env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'), 'config.json');
  const text = textOf(path);
  if (text === undefined) return [];
  let config: { credsStore?: unknown; credHelpers?: unknown } | null;
  try {
    config = JSON.parse(text) as typeof config;
  } catch {
    return [
      finding(
        'credentials',
        'limited',
        `${path} is not JSON`,
        'registries that want them',
        'docker login, skopeo login',
      ),
    ];
  }
  const names = [config?.credsStore, ...Object.values(config?.credHelpers ?? {})];
  const valid = names.filter((name): name is string => typeof name === 'string' && HELPER_NAME.test(name));
  return [...new Set(valid)].map((name) => {
    const program = `docker-credential-${name}`;
    const found = programPath(program);
    return finding(
      program,
      found === undefined ? 'missing' : 'ok',
      found ?? `named in ${path}`,
      'its registries',
      `install ${program}`,
    );
  });
}
