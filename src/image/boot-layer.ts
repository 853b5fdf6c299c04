import { bootEntryFileName, bootEntryText, loaderConfigurationText } from '../core/boot/boot-entries.ts';
import { planUnifiedKernelImage, type UkiSection } from '../core/boot/unified-kernel-image.ts';
import type { Architecture } from '../core/disk/partition-types.ts';
import { STUB_BYTES_MAX } from '../core/boot/efi-stub.ts';
import { kernelRelease } from '../core/guest/kernel-release.ts';
import { ImageError } from '../core/errors.ts';
import { LayerIndexBuilder } from '../core/layer/layer-index.ts';
import { HostTree } from '../sources/host-tree.ts';
import { layerEntries } from '../sources/inline/inline-entry.ts';
import { imagePath } from '../sources/inline/inline-files.ts';
import type { Layer } from '../sources/layer.ts';
import { type BootFile, type BootTree, hostPart, initrdOf, newestKernel } from './boot-tree.ts';
import type { BootOptions } from './disk-options.ts';
import { PlannedImage } from './image.ts';
import { type BlobPart, JoinedBlob, memoryPart } from './joined-blob.ts';

/** What a disk boots. */
export interface BootFiles {
  readonly release: string;
  readonly kernel: BootFile;
  readonly initrd: BootFile | undefined;
  /** systemd-boot, or the stub. */
  readonly efi: BootFile;
  /** Of the layers; undefined where they have none. */
  readonly osRelease: Uint8Array | undefined;
}

/** What UEFI and systemd call a processor. */
const EFI_NAMES = { 'x86-64': 'x64', arm64: 'aa64' } as const satisfies Record<Architecture, string>;
const SYSTEMD_FOLDER = 'usr/lib/systemd/boot/efi';
/** The most that is read of a kernel for its release, in bytes. */
const KERNEL_HEAD_BYTES = 1024 * 1024;
const OS_RELEASE_BYTES_MAX = 64 * 1024;

/** A layer of an EFI system partition, and of what it is made; closing its blob closes that. */
export interface BootLayer {
  readonly layer: Layer;
  readonly files: BootFiles;
}

/**
 * The layer of an EFI system partition that boots the layers' filesystem with `parameters`: systemd-boot with an entry, or a
 * unified kernel image. Kernel and initrd are read where they are, when the disk is. Throws ImageError.
 */
export function makeBootLayer(
  layers: BootTree,
  boot: BootOptions,
  architecture: Architecture,
  parameters: string,
): BootLayer {
  const files = findBootFiles(layers, boot, architecture);
  const cmdline = boot.cmdline === undefined ? parameters : `${parameters} ${boot.cmdline}`;
  const program = `/EFI/BOOT/BOOT${EFI_NAMES[architecture].toUpperCase()}.EFI`;
  const parts: [string, BlobPart][] =
    boot.loader === 'uki'
      ? [[program, unifiedKernelImage(files, cmdline)]]
      : [[program, files.efi], ...entryFiles(files, cmdline, boot, layers)];
  const builder = new LayerIndexBuilder();
  let end = 0;
  for (const [path, { length }] of parts) {
    const data = { size: length, dataOffset: end, isExecutable: false };
    for (const entry of layerEntries(imagePath(path), { text: '' }, data, {})) builder.add(entry);
    end += length;
  }
  const blob = new JoinedBlob(parts.map(([, part]) => part));
  return { layer: { reference: 'boot', index: builder.finish(), blob }, files };
}

function findBootFiles(layers: BootTree, boot: BootOptions, architecture: Architecture): BootFiles {
  const { kernel: from = 'layers', initrd = isTree(from) ? from : 'none', loader = 'systemd-boot' } = boot;
  const open: BootFile[] = [];
  const opened = (part: BootFile): BootFile => {
    open.push(part);
    return part;
  };
  try {
    const tree = isTree(from) ? treeOf(from, layers) : undefined;
    const found = tree && newestKernel(tree);
    const kernel = opened(found === undefined ? hostPart(from) : tree!.open(found.path));
    const release = found?.release ?? boot.release ?? releaseOf(kernel, from);
    const initrdTree = isTree(initrd) ? treeOf(initrd, layers) : undefined;
    return {
      release,
      kernel,
      initrd:
        initrdTree !== undefined
          ? opened(initrdTree.open(initrdOf(initrdTree, release)))
          : initrd === 'none'
            ? undefined
            : opened(hostPart(initrd)),
      efi: opened(boot.efi === undefined ? systemdFile(layers, loader, architecture) : hostPart(boot.efi)),
      osRelease: osReleaseOf(layers),
    };
  } catch (error) {
    for (const part of open) part.close();
    throw error;
  }
}

const isTree = (from: string): from is 'layers' | 'host' => from === 'layers' || from === 'host';

const treeOf = (from: 'layers' | 'host', layers: BootTree): BootTree => (from === 'layers' ? layers : HOST);

const HOST: BootTree = { name: 'this host', files: new HostTree('/'), open: (path) => hostPart(`/${path}`) };

function releaseOf(kernel: BlobPart, path: string): string {
  const head = new Uint8Array(Math.min(kernel.length, KERNEL_HEAD_BYTES));
  kernel.readSync(0, head);
  const release = kernelRelease(head);
  if (release !== undefined) return release;
  throw new ImageError('layer-unsupported', 'it does not say which release of Linux it is', { reference: path });
}

function systemdFile(layers: BootTree, loader: 'systemd-boot' | 'uki', architecture: Architecture): BootFile {
  const name = EFI_NAMES[architecture];
  const path = `${SYSTEMD_FOLDER}/${loader === 'uki' ? `linux${name}.efi.stub` : `systemd-boot${name}.efi`}`;
  const tree = [layers, HOST].find(({ files }) => files.size(path) !== undefined);
  if (tree !== undefined) return tree.open(path);
  const what = `no /${path} in the layers or on this host: name the file (Debian: apt-get install systemd-boot-efi)`;
  throw new ImageError('path-not-found', what);
}

function osReleaseOf({ files }: BootTree): Uint8Array | undefined {
  const path = ['etc/os-release', 'usr/lib/os-release'].find((each) => {
    const size = files.size(each);
    return size !== undefined && size <= OS_RELEASE_BYTES_MAX;
  });
  return path === undefined ? undefined : files.read(path, OS_RELEASE_BYTES_MAX);
}

/** systemd-boot's menu, with its only entry. Boot Loader Specification, type 1. */
function* entryFiles(
  { release, kernel, initrd, osRelease }: BootFiles,
  cmdline: string,
  { timeout = 0 }: BootOptions,
  layers: BootTree,
): Generator<[string, BlobPart]> {
  const text = (content: string): BlobPart => memoryPart(new TextEncoder().encode(content));
  const folder = `/linux/${release}`;
  const title =
    /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(new TextDecoder().decode(osRelease))?.[1] ?? `Linux of ${layers.name}`;
  const entry = bootEntryFileName(`linux-${release}`);
  yield ['/loader/loader.conf', text(loaderConfigurationText({ default: entry, timeout }))];
  yield [
    `/loader/entries/${entry}`,
    text(
      bootEntryText({
        title,
        version: release,
        linux: `${folder}/linux`,
        ...(initrd !== undefined && { initrd: [`${folder}/initrd`] }),
        options: cmdline,
      }),
    ),
  ];
  yield [`${folder}/linux`, kernel];
  if (initrd !== undefined) yield [`${folder}/initrd`, initrd];
}

/** One program of kernel, initrd and parameters, which are read from their places. */
function unifiedKernelImage({ release, kernel, initrd, efi, osRelease }: BootFiles, cmdline: string): BlobPart {
  const bytes = (content: string): { bytes: Uint8Array } => ({ bytes: new TextEncoder().encode(content) });
  if (efi.length > STUB_BYTES_MAX) {
    throw new ImageError('boot-invalid', `an EFI stub of ${efi.length} bytes: at most ${STUB_BYTES_MAX}`);
  }
  const stub = new Uint8Array(efi.length);
  efi.readSync(0, stub);
  const sections: UkiSection[] = [
    ...(osRelease === undefined ? [] : [{ name: '.osrel', content: { bytes: osRelease } }]),
    { name: '.cmdline', content: bytes(cmdline) },
    { name: '.uname', content: bytes(release) },
    ...(initrd === undefined ? [] : [{ name: '.initrd', content: { blob: 1, offset: 0, length: initrd.length } }]),
    { name: '.linux', content: { blob: 0, offset: 0, length: kernel.length } },
  ];
  const parts = initrd === undefined ? [kernel] : [kernel, initrd];
  const image = new PlannedImage(
    planUnifiedKernelImage(stub, sections),
    parts.map((part) => new JoinedBlob([part])),
  );
  return {
    length: image.size,
    readSync: (position, target) => image.read(position, target),
    verifyUnchanged: () => [...parts, efi].forEach((part) => part.verifyUnchanged()),
    close: () => [...parts, efi].forEach((part) => part.close()),
  };
}
