import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ImageError } from '../core/errors.ts';
import { isStaticProgram } from '../core/guest/busybox.ts';
import type { FileTree } from '../core/guest/file-tree.ts';
import { findKernels, findModules } from '../core/guest/find-kernels.ts';
import { kernelRelease } from '../core/guest/kernel-release.ts';
import { readModuleIndex } from '../core/guest/module-index.ts';
import type { QemuArchitecture } from '../core/launch/qemu.ts';
import { findProgram } from '../process/find-program.ts';
import { HostTree, readHostFile } from '../sources/host-tree.ts';
import type { ModuleFolder } from './module-files.ts';

/** What somebody said about what a guest boots with; what is not told is looked for. */
export interface BootFileOptions {
  /** A kernel's file. */
  readonly kernel?: string | undefined;
  /** The directory of a kernel's modules, or one that has `lib/modules` or such of several. */
  readonly modules?: string | undefined;
  /** A static busybox. */
  readonly busybox?: string | undefined;
}

/** A kernel with its modules. */
export interface BootKernel {
  readonly bytes: Uint8Array;
  /** Where it lies on this host; undefined for one of the image. */
  readonly path: string | undefined;
  /** For people. */
  readonly name: string;
  readonly release: string | undefined;
  /** Undefined where no directory of its modules was found: then it is taken to need none. */
  readonly modules: ModuleFolder | undefined;
}

/** The most bytes that a kernel may have; distributions' have 15 million. */
const KERNEL_BYTES_MAX = 512 * 1024 * 1024;
const BUSYBOX_BYTES_MAX = 64 * 1024 * 1024;

/** The kernel that is named, else the newest of the image, else the newest of this host. Throws ImageError. */
export function findBootKernel(
  options: BootFileOptions,
  image: FileTree,
  architecture: QemuArchitecture,
  host = new HostTree('/'),
): BootKernel {
  if (options.kernel !== undefined) return namedKernel(options.kernel, options, image, host);
  const [own] = findKernels(image);
  if (own !== undefined) {
    const bytes = image.read(own.path, KERNEL_BYTES_MAX);
    const release = kernelRelease(bytes) ?? own.release;
    const modules = modulesOf(release, options, [image]);
    return { bytes, path: undefined, name: `/${own.path} of the image`, release, modules };
  }
  const [hosts] = architecture === hostArchitecture() ? findKernels(host) : [];
  if (hosts === undefined) throw noKernel(architecture);
  return namedKernel(join(host.root, hosts.path), options, image, host);
}

function namedKernel(path: string, options: BootFileOptions, image: FileTree, host: HostTree): BootKernel {
  const bytes = readHostFile(path, KERNEL_BYTES_MAX);
  const release = kernelRelease(bytes);
  // Beside it, as in a package that was unpacked.
  const beside = new HostTree(join(dirname(realpathSync(path)), '..'));
  return { bytes, path, name: path, release, modules: modulesOf(release, options, [beside, image, host]) };
}

/** Modules of a release in the first tree that has some, or where somebody said. */
function modulesOf(
  release: string | undefined,
  { modules }: BootFileOptions,
  trees: readonly FileTree[],
): ModuleFolder | undefined {
  if (modules !== undefined) return namedModules(modules, release);
  if (release === undefined) return undefined;
  for (const tree of trees) {
    const path = findModules(tree, release);
    if (path !== undefined) return { tree, path, index: readModuleIndex(tree, path) };
  }
  return undefined;
}

function namedModules(folder: string, release = ''): ModuleFolder {
  const candidates = [folder, join(folder, release), join(folder, 'lib/modules', release)];
  const found = candidates.find((path) => LISTS.some((list) => existsSync(join(path, list))));
  if (found === undefined) {
    const what = `no ${LISTS.join(' or ')} in it, or in a directory ${JSON.stringify(release)} of it`;
    throw new ImageError('layer-not-found', what, { reference: folder });
  }
  const tree = new HostTree(dirname(found));
  const path = basename(found);
  return { tree, path, index: readModuleIndex(tree, path) };
}

const LISTS = ['modules.dep', 'modules.order'] as const;

function noKernel(architecture: QemuArchitecture): ImageError {
  const where = 'in the layers (boot/vmlinuz-*, usr/lib/modules/*/vmlinuz) or on this host';
  return new ImageError(
    'guest-failed',
    `no kernel ${where}: name one with --kernel (Debian: the package linux-image-RELEASE-cloud-${architecture}, installed or unpacked by dpkg-deb -x)`,
  );
}

/** A busybox that runs without libraries: the one that is named, this host's, or the image's. Throws ImageError. */
export function findBusybox(options: BootFileOptions, image: FileTree, architecture: QemuArchitecture): Uint8Array {
  if (options.busybox !== undefined) {
    const named = readHostFile(options.busybox, BUSYBOX_BYTES_MAX);
    if (isStaticProgram(named, architecture)) return named;
    const what = `expected a static busybox for ${architecture}`;
    throw new ImageError('layer-unsupported', what, { reference: options.busybox });
  }
  const host = findProgram('busybox');
  const candidates = [
    ...(host === undefined ? [] : [() => readHostFile(host, BUSYBOX_BYTES_MAX)]),
    ...BUSYBOXES.filter((path) => image.size(path) !== undefined).map(
      (path) => () => image.read(path, BUSYBOX_BYTES_MAX),
    ),
  ];
  for (const read of candidates) {
    const program = read();
    if (isStaticProgram(program, architecture)) return program;
  }
  throw new ImageError(
    'tool-missing',
    `no static busybox for ${architecture}, here or in the layers: name one with --busybox (Debian: the package busybox-static of ${architecture}, installed or unpacked by dpkg-deb -x)`,
  );
}

const BUSYBOXES = ['bin/busybox', 'usr/bin/busybox', 'bin/busybox.static', 'usr/bin/busybox.static'] as const;

/** This host's architecture where guests can have it. */
export function hostArchitecture(): QemuArchitecture | undefined {
  return ({ x64: 'amd64', arm64: 'arm64' } as const)[process.arch as string];
}
