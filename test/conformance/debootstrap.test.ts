import { mkdirSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { displayName } from '../../src/core/bytes.ts';
import { openImage } from '../../src/image/open-image.ts';
import { bootstrap, dataOfPackage, downloadPackages, releaseOfApt, tarOf, untar } from '../helpers/debian.ts';
import { writeSparse } from '../helpers/image-case.ts';
import { hashImage } from '../../src/sinks/digest.ts';
import { compareCopies } from '../helpers/live-copies.ts';
import { type MountedName, mountImage, walkMounted, xattrsOfMounted } from '../helpers/mount.ts';
import { scratch } from '../helpers/scratch.ts';
import { e2fsck, requireTools, run } from '../helpers/tools.ts';

const isPossible = requireTools(
  'root',
  'debootstrap',
  'apt-get',
  'dpkg-deb',
  'e2fsck',
  'getfattr',
  'tar',
  'xz',
  'zstd',
  'nbdcopy',
  'qemu-img',
  'skopeo',
  'umoci',
);

/** The first run of a day downloads the system. In milliseconds. */
const TIMEOUT = 600_000;

/** As ping has it: struct vfs_cap_data, revision 2, effective. */
const CAP_NET_RAW = `0x010000020020${'00'.repeat(14)}`;

const UNPACKERS: Readonly<Record<string, string>> = { '.gz': 'gzip -dc', '.xz': 'xz -dc', '.zst': 'zstd -dcq' };

/** Layers of a system that works, and one more that turns its symlink /lib into a directory, as it says. */
interface Debian {
  readonly layers: readonly string[];
  readonly unmerging: string;
}

function makeDebian(): Debian {
  const directory = scratch();
  const release = releaseOfApt();
  const base = bootstrap(release, directory);
  const packages = join(directory, 'packages');
  mkdirSync(packages);
  const names = ['bash', 'perl-base', 'tzdata', 'at'] as const;
  const [bash = '', perl = '', tzdata = '', at = ''] = downloadPackages(names, release, packages);

  // Only files: bin/bash goes where the system's symlink /bin leads.
  const files = join(directory, 'bash');
  run('dpkg-deb', ['-x', bash, files]);
  run('setfattr', ['-n', 'security.capability', '-v', CAP_NET_RAW, join(files, 'bin/bash')]);
  const found = run('find', ['.', '!', '-type', 'd'], { cwd: files }).toString().trim().split('\n');
  tarOf(files, found, join(directory, 'bash.tar.gz'));

  const raw = join(directory, 'tzdata');
  run('dpkg-deb', ['-R', tzdata, raw]);
  run('dpkg-deb', ['-Zzstd', '-b', raw, join(packages, 'zstd.deb')]);

  const data = (name: string, path: string): string => {
    writeFileSync(join(directory, name), dataOfPackage(path));
    return join(directory, name);
  };
  const packed = [data('perl.tar.xz', perl), data('tzdata.tar.zst', join(packages, 'zstd.deb'))];
  return { layers: [base, join(directory, 'bash.tar.gz'), ...packed], unmerging: data('at.tar.xz', at) };
}

async function build(layers: readonly string[], cache: string): Promise<string> {
  const directory = scratch();
  const image = await openImage({ layers, mtime: 'keep', cache });
  try {
    writeSparse(image, join(directory, 'image.ext4'));
  } finally {
    image.close();
  }
  return join(directory, 'image.ext4');
}

/** Where a mounted image is not what GNU tar made at `start` or later, a line each. */
function differences(mounted: string, unpacked: string, start: bigint): string[] {
  const [actual, expected] = [treeOf(mounted), treeOf(unpacked)];
  return [...new Set([...expected.keys(), ...actual.keys()])].flatMap((path) => {
    const wanted = expected.get(path);
    // tar sets the time of a directory only where the layer has the directory; else it is that of the unpacking.
    const isTimed = wanted !== undefined && !(wanted.stat.isDirectory() && wanted.stat.mtimeNs >= start);
    const [is, should] = [actual, expected].map((tree) => describeName(tree.get(path), isTimed));
    return is === should ? [] : [`${displayName(path)}: ${is}, expected ${should}`];
  });
}

interface Name extends MountedName {
  /** All names of the same inode. */
  readonly links: readonly string[];
}

function treeOf(directory: string): Map<string, Name> {
  const names = walkMounted(directory);
  const links = new Map<bigint, string[]>();
  for (const { path, stat } of names)
    links.set(stat.ino, [...(links.get(stat.ino) ?? []), displayName(path)].toSorted());
  return new Map(names.map((name) => [name.path, { ...name, links: links.get(name.stat.ino) ?? [] }]));
}

function describeName(name: Name | undefined, isTimed: boolean): string {
  if (name === undefined) return 'nothing';
  const { stat, content, links } = name;
  const device = stat.isCharacterDevice() || stat.isBlockDevice() ? [stat.rdev] : [];
  const size = stat.isFile() ? [stat.size, stat.nlink] : [];
  const time = isTimed ? [stat.mtimeNs] : [];
  return [stat.mode.toString(8), stat.uid, stat.gid, ...device, ...size, ...time, displayName(content), ...links].join(
    ' ',
  );
}

describe.skipIf(!isPossible)('a Debian system and packages on top of it', { timeout: TIMEOUT }, () => {
  it('is what GNU tar unpacks, and works, written or live', async ({ skip }) => {
    let debian: Debian;
    try {
      debian = makeDebian();
    } catch (error) {
      // A mirror that does not answer says nothing about images.
      const isMirror = (error as NodeJS.ErrnoException).code === 'ETIMEDOUT';
      if (process.env['CI'] === 'true' && !isMirror) throw error;
      console.warn(`skipped: ${String(error).slice(0, 500)}`);
      return skip();
    }
    const [unpacked, cache] = [scratch(), scratch()];
    const start = BigInt(Date.now()) * 1_000_000n;
    for (const layer of debian.layers) untar(layer, unpacked);
    const { mounted, path } = await check(debian.layers, cache, unpacked, start);
    // Every file of every package has the MD5 that its package says; the image's own dpkg computes them.
    expect(run('chroot', [mounted, 'dpkg', '--verify']).toString()).toBe('');

    const live = await openImage({ layers: debian.layers, mtime: 'keep', cache });
    await compareCopies(live, path).finally(() => live.close());
    await checkTransports(debian.layers, cache, mounted, start);

    untar(debian.unmerging, unpacked);
    await check([...debian.layers, debian.unmerging], cache, unpacked, start);
  });

  /** As umoci makes an image of the same layers and skopeo copies it: the same digest from everywhere, and umoci's tree. */
  async function checkTransports(
    layers: readonly string[],
    cache: string,
    mounted: string,
    start: bigint,
  ): Promise<void> {
    const folder = scratch();
    const inFolder = (command: string, ...args: string[]): Buffer => run(command, args, { cwd: folder });
    inFolder('umoci', 'init', '--layout', 'made');
    inFolder('umoci', 'new', '--image', 'made:system');
    for (const layer of layers) {
      inFolder('sh', '-c', '$1 <"$2" >layer.tar', 'sh', UNPACKERS[extname(layer)] ?? 'cat', layer);
      inFolder('umoci', 'raw', 'add-layer', '--image', 'made:system', 'layer.tar');
    }
    inFolder('skopeo', 'copy', '--quiet', 'oci:made:system', 'docker-archive:docker.tar:system:1');
    inFolder('skopeo', 'copy', '--quiet', 'oci:made:system', 'oci-archive:oci.tar:system');
    inFolder('skopeo', 'copy', '--quiet', '--dest-compress-format', 'zstd', 'oci:made:system', 'oci:zstd:system');
    const digestOf = async (references: readonly string[]): Promise<string> => {
      const image = await openImage({ layers: references, cache });
      return hashImage(image, 'fsverity', {}).finally(() => image.close());
    };
    const expected = await digestOf(layers);
    const transports = ['oci:made', 'oci:zstd', 'oci-archive:oci.tar', 'docker-archive:docker.tar'];
    for (const transport of transports) expect(await digestOf([transport.replace(':', `:${folder}/`)])).toBe(expected);
    inFolder('umoci', 'raw', 'unpack', '--image', 'made:system', 'unpacked');
    expect(differences(mounted, join(folder, 'unpacked'), start)).toEqual([]);
  }

  async function check(
    layers: readonly string[],
    cache: string,
    unpacked: string,
    start: bigint,
  ): Promise<{ mounted: string; path: string }> {
    const path = await build(layers, cache);
    e2fsck(path);
    const mounted = mountImage(path);
    expect(differences(mounted, unpacked, start)).toEqual([]);
    const xattrs = xattrsOfMounted(mounted);
    expect(xattrs).toEqual(xattrsOfMounted(unpacked));
    expect(xattrs.size).toBe(1);
    return { mounted, path };
  }
});
