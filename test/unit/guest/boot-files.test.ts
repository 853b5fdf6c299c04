import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type BootFileOptions,
  type BootKernel,
  findBootKernel,
  findBusybox,
  hostArchitecture,
} from '../../../src/guest/boot-files.ts';
import { HostTree } from '../../../src/sources/host-tree.ts';
import { makeElf } from '../../helpers/elf-sections.ts';
import { memoryTree } from '../../helpers/memory-tree.ts';
import { scratch } from '../../helpers/scratch.ts';

const kernelOf = (release: string): string => `Linux version ${release} (builder@host)`;

/** A directory of this host with some files. */
function hostWith(files: Readonly<Record<string, string>>): HostTree {
  const root = scratch();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return new HostTree(root);
}

const HOST = hostArchitecture() ?? 'amd64';
const OTHER = HOST === 'amd64' ? 'arm64' : 'amd64';

function found(
  image: Readonly<Record<string, string>>,
  host: HostTree = hostWith({}),
  options: BootFileOptions = {},
): BootKernel {
  return findBootKernel(options, memoryTree(image), HOST, host);
}

/** Where modules were found: the image is a tree without a root. */
function modulesOf({ modules }: BootKernel): string | undefined {
  if (modules === undefined) return undefined;
  const { tree, path } = modules;
  return tree instanceof HostTree ? join(tree.root, path) : path;
}

describe('the kernel of a guest', () => {
  const image = {
    'boot/vmlinuz-6.9.1': kernelOf('6.9.1'),
    'boot/vmlinuz-6.10.0': kernelOf('6.10.0'),
    'boot/vmlinuz-7.0.old': kernelOf('7.0'),
    'lib/modules/6.10.0/modules.dep': 'kernel/a.ko:',
  };

  it('is the newest of the image, and before it the one that is named', () => {
    const host = hostWith({ 'boot/vmlinuz-9.0': kernelOf('9.0'), mine: kernelOf('5.4.0') });
    const own = found(image, host);
    expect([own.name, own.path, own.release]).toEqual(['/boot/vmlinuz-6.10.0 of the image', undefined, '6.10.0']);
    expect(modulesOf(own)).toBe('lib/modules/6.10.0');
    const kernel = join(host.root, 'mine');
    expect(found(image, host, { kernel })).toMatchObject({ name: kernel, path: kernel, release: '5.4.0' });
  });

  it('is the newest of this host where the image has none, and is for its processor', () => {
    const host = hostWith({
      'boot/vmlinuz-6.9.1': kernelOf('6.9.1'),
      'usr/lib/modules/6.10.0/vmlinuz': kernelOf('6.10.0'),
    });
    expect(found({}, host).path).toBe(join(host.root, 'usr/lib/modules/6.10.0/vmlinuz'));
    expect(() => findBootKernel({}, memoryTree({}), OTHER, host)).toThrow(/no kernel/);
  });

  it('is said to be missing with where it was looked for, and how to have one', () => {
    const said = () => found({ 'boot/vmlinuz-1': '', 'boot/grub/x': '' });
    expect(said).toThrow(/no kernel in the layers \(boot\/vmlinuz-\*.*\) or on this host: name one with --kernel/);
    expect(() => found({}, hostWith({}), { kernel: '/nowhere/vmlinuz' })).toThrow(/\/nowhere\/vmlinuz/);
  });
});

describe("a kernel's modules", () => {
  const named = (files: Readonly<Record<string, string>>, modules?: string): BootKernel => {
    const host = hostWith({ 'pkg/boot/vmlinuz-1': kernelOf('6.1.0-x'), ...files });
    const folder = modules === undefined ? undefined : join(host.root, modules);
    return found({ 'lib/modules/6.1.0-x/modules.dep': '' }, host, {
      kernel: join(host.root, 'pkg/boot/vmlinuz-1'),
      modules: folder,
    });
  };

  it("are beside it, also where it is a symbolic link, else the image's, else this host's", () => {
    const beside = { 'pkg/lib/modules/6.1.0-x/modules.order': 'kernel/a.ko' };
    expect(modulesOf(named(beside))).toMatch(
      /\/pkg\/boot\/\.\.\/lib\/modules\/6\.1\.0-x$|\/pkg\/lib\/modules\/6\.1\.0-x$/,
    );
    expect(modulesOf(named({}))).toBe('lib/modules/6.1.0-x');
    const host = hostWith({ 'pkg/boot/vmlinuz-1': kernelOf('6.1.0-x'), ...beside, 'lib/modules/6.2/modules.dep': '' });
    symlinkSync('pkg/boot/vmlinuz-1', join(host.root, 'link'));
    expect(modulesOf(found({}, host, { kernel: join(host.root, 'link') }))).toMatch(/\/pkg\/lib\/modules\/6\.1\.0-x$/);
    writeFileSync(join(host.root, 'other'), kernelOf('6.2'));
    expect(modulesOf(found({}, host, { kernel: join(host.root, 'other') }))).toBe(join(host.root, 'lib/modules/6.2'));
  });

  it('are of its own release, and none where there are no others', () => {
    expect(found({ 'boot/vmlinuz-1': kernelOf('1.0'), 'lib/modules/1.1/modules.dep': '' }).modules).toBeUndefined();
  });

  it.each(['modules', 'releases', 'package'])('are in %s where that is named', (folder) => {
    const files = {
      'modules/modules.dep': 'kernel/fs/ext4/ext4.ko.xz: kernel/lib/crc16.ko.xz',
      'releases/6.1.0-x/modules.order': 'kernel/fs/ext4/ext4.ko',
      'package/lib/modules/6.1.0-x/modules.dep': 'kernel/fs/ext4/ext4.ko:',
    };
    expect([...(named(files, folder).modules?.index.paths.keys() ?? [])]).toEqual(['ext4']);
  });

  it('are refused where what is named has none', () => {
    expect(() => named({ 'empty/x': '' }, 'empty')).toThrow(
      /no modules\.dep or modules\.order in it, or in a directory "6\.1\.0-x" of it/,
    );
  });
});

describe('the busybox of a guest', () => {
  const [fixed, dynamic] = [makeElf({}, [1]), makeElf({}, [3])];

  it('is the one that is named, which is to be static and for the guest', () => {
    const folder = scratch();
    for (const [name, bytes] of Object.entries({ fixed, dynamic })) writeFileSync(join(folder, name), bytes);
    const named = (name: string, architecture: 'amd64' | 'arm64' = 'amd64'): Uint8Array =>
      findBusybox({ busybox: join(folder, name) }, memoryTree({}), architecture);
    expect(Buffer.from(named('fixed')).equals(fixed)).toBe(true);
    expect(() => named('dynamic')).toThrow(/expected a static busybox for amd64/);
    expect(() => named('fixed', 'arm64')).toThrow(/expected a static busybox for arm64/);
  });

  it("is else this host's, and else the first of the image that will do", () => {
    const image = { 'bin/busybox': dynamic, 'usr/bin/busybox.static': fixed };
    const { PATH } = process.env;
    try {
      process.env['PATH'] = '/nowhere';
      expect(Buffer.from(findBusybox({}, memoryTree(image), 'amd64')).equals(fixed)).toBe(true);
      expect(() => findBusybox({}, memoryTree({ 'bin/busybox': dynamic }), 'amd64')).toThrow(
        /no static busybox for amd64, here or in the layers: name one with --busybox/,
      );
      const bin = scratch();
      writeFileSync(join(bin, 'busybox'), makeElf({ own: '' }, [1]), { mode: 0o755 });
      process.env['PATH'] = bin;
      expect(findBusybox({}, memoryTree(image), 'amd64')).not.toHaveLength(fixed.length);
    } finally {
      process.env['PATH'] = PATH;
    }
  });
});
