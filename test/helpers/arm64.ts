import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readModuleIndex } from '../../src/core/guest/module-index.ts';
import { readModules } from '../../src/guest/module-files.ts';
import { HostTree } from '../../src/sources/host-tree.ts';
import { makeCpio } from './cpio-writer.ts';
import { keepMade, releaseOfApt } from './debian.ts';
import { GUEST_INIT } from './guest.ts';
import { run } from './tools.ts';

/** Debian's kernel, busybox and systemd-boot for arm64. Paths of files. */
export interface Arm64System {
  /** Where the packages are unpacked. */
  readonly root: string;
  readonly release: string;
  readonly kernel: string;
  readonly busybox: string;
}

/** Packages of another architecture, which are not installed: this host's apt has lists of its own for them. Made once a day. */
export function arm64System(): Arm64System {
  const { suite, mirror } = releaseOfApt();
  const name = `arm64-${suite}-${new Date().toISOString().slice(0, 10)}`;
  const root = keepMade('arm64-', name, (directory) => {
    for (const folder of ['lists/partial', 'archives/partial']) mkdirSync(join(directory, folder), { recursive: true });
    for (const [file, text] of [['sources', `deb ${mirror} ${suite} main\n`] as const, ['status', ''] as const])
      writeFileSync(join(directory, `${file}.list`), text);
    const settings = {
      'APT::Architecture': 'arm64',
      'APT::Architectures': 'arm64',
      'APT::Sandbox::User': 'root',
      'Dir::State': directory,
      'Dir::State::Lists': join(directory, 'lists'),
      'Dir::State::status': join(directory, 'status.list'),
      'Dir::Cache': directory,
      'Dir::Etc::SourceList': join(directory, 'sources.list'),
      'Dir::Etc::SourceParts': '-',
    };
    const apt = (command: string, ...args: string[]): string => {
      const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
      return run(command, [...options, ...args], { cwd: directory }).toString();
    };
    apt('apt-get', '-qq', 'update');
    const depends = apt('apt-cache', 'depends', '--important', 'linux-image-cloud-arm64');
    const kernel = /Depends: (linux-image-\S+)/.exec(depends)?.[1] ?? '';
    apt('apt-get', '-qq', 'download', kernel, 'busybox-static', 'systemd-boot-efi');
    const packages = join(directory, 'packages');
    for (const file of readdirSync(directory).filter((each) => each.endsWith('.deb')))
      run('dpkg-deb', ['-x', file, packages], { cwd: directory });
    return packages;
  });
  const [release = ''] = readdirSync(join(root, 'lib/modules'));
  return { root, release, kernel: join(root, 'boot', `vmlinuz-${release}`), busybox: join(root, 'bin/busybox') };
}

/** An initrd that runs a shell script. */
export async function arm64Initrd({ root, release, busybox }: Arm64System, script: string): Promise<Uint8Array> {
  const tree = new HostTree(root);
  const path = `lib/modules/${release}`;
  const folder = { tree, path, index: readModuleIndex(tree, path) };
  const modules = await readModules(folder, ['virtio_pci', 'virtio_blk', 'ext4']);
  return makeCpio([
    { name: 'bin', mode: 0o040755 },
    { name: 'bin/busybox', mode: 0o100755, data: readFileSync(busybox) },
    { name: 'init', mode: 0o100755, data: Buffer.from(GUEST_INIT) },
    { name: 'script', mode: 0o100644, data: Buffer.from(script) },
    { name: 'modules', mode: 0o040755 },
    ...modules.map(({ bytes }, i) => ({ name: `modules/${10 + i}.ko`, mode: 0o100644, data: bytes })),
  ]);
}
