import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { ImageError } from '../core/errors.ts';
import type { BlockFile, GuestConfiguration, LaunchOptions } from '../core/launch/launch.ts';
import { readRumprun, rumprunImages } from '../core/manifest/rumprun.ts';
import { readUnikernel } from '../read-unikernel.ts';
import { sourceFailure } from '../sources/failure.ts';
import { readBounded } from '../sources/read-bounded.ts';
import { collect } from './values.ts';

/** Options about guests that say themselves what disks they have. */
export interface GuestArguments {
  readonly block?: readonly string[];
  readonly blockSectorSize?: readonly string[];
  readonly config?: string;
}

export function addGuestOptions(command: Command): Command {
  return command
    .option(
      '--block <name=file>',
      'a file for a block device of a Solo5 unikernel, which has the image for the one without; may be repeated',
      collect,
    )
    .option(
      '--block-sector-size <name=bytes>',
      'the size of the sectors of a block device of a Solo5 unikernel (default: 512 each); may be repeated',
      collect,
    )
    .option('--config <file>', "the configuration of a Rumprun unikernel, or IncludeOS's vm.json");
}

/** Images as a command line names them. */
interface NamedImages<T> {
  readonly references: readonly string[];
  readonly given: T;
  /** What names them, where it was not said with `-f`. */
  readonly words: readonly string[];
}

const DEFINITION = /\.(?:ya?ml|json)$/i;
const TRANSPORT = /^[a-z][a-z0-9-]*:/;

/** The images that the command line names, or in their absence those that a Rumprun configuration does, by its own folder. Throws ImageError. */
export function imagesNamed<T extends GuestArguments & { readonly vmm?: string; readonly file?: string }>(
  references: readonly string[],
  given: T,
  configuration: GuestConfiguration | undefined,
): NamedImages<T> {
  const isNamed = references.length > 0 || given.file !== undefined;
  if (isNamed || configuration === undefined || given.vmm?.startsWith('rumprun') !== true) {
    return { references, given, words: references };
  }
  const { bytes, name } = configuration;
  const images = rumprunImages(readRumprun(bytes, name));
  if (images.length === 0 || images.includes('')) return { references, given, words: references };
  const paths = images.map((image) => (TRANSPORT.test(image) ? image : resolve(dirname(name), image)));
  const definition = paths.find((path) => !TRANSPORT.test(path) && DEFINITION.test(path));
  if (definition === undefined) {
    const found = paths.length === 1 ? paths : paths.map((path, i) => `disk${i}=${path}`);
    return { references: found, given, words: found };
  }
  if (paths.length === 1) return { references, given: { ...given, file: definition }, words: ['-f', definition] };
  throw new ImageError(
    'option-invalid',
    `${definition}: a definition beside other images; build it, and name its file`,
  );
}

/** A guest as a command line describes it. */
interface DescribedGuest extends GuestArguments {
  readonly vmm?: string;
  readonly kernel?: string;
  readonly initrd?: string;
}

/** What of a launch is in files. Throws ImageError. */
export function guestOf({
  vmm,
  kernel,
  initrd,
  block = [],
  blockSectorSize = [],
}: DescribedGuest): Pick<LaunchOptions, 'kernel' | 'initrd' | 'unikernel' | 'blocks' | 'sectorSizes'> {
  // Xen has them in a file, which says nothing of where it was written.
  const place = (path: string | undefined): string | undefined =>
    path !== undefined && vmm?.includes('xen') === true ? resolve(path) : path;
  const isSolo5 = vmm?.startsWith('solo5-') === true;
  if (!isSolo5 && block.length + blockSectorSize.length > 0)
    throw new ImageError('option-invalid', '--block and --block-sector-size are for unikernels of Solo5');
  return {
    kernel: place(kernel),
    initrd: place(initrd),
    unikernel: isSolo5 && kernel !== undefined ? readUnikernel(kernel) : undefined,
    blocks: block.map(blockFile),
    sectorSizes: new Map(blockSectorSize.map(sectorSize)),
  };
}

/** `NAME=VALUE`. */
function named(text: string, option: string, value: string): [name: string, value: string] {
  const [, name, found] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name !== undefined && found !== undefined) return [name, found];
  throw new ImageError('option-invalid', `${option} ${text}: expected NAME=${value}`);
}

function sectorSize(text: string): [name: string, bytes: number] {
  const [name, bytes] = named(text, '--block-sector-size', 'BYTES');
  return [name, /^\d{1,6}$/.test(bytes) ? Number(bytes) : 0];
}

function blockFile(text: string): BlockFile {
  const [name, file] = named(text, '--block', 'FILE');
  try {
    return { name, path: resolve(file), size: statSync(file).size };
  } catch (error) {
    throw sourceFailure(error, { reference: file });
  }
}

/** More than any parser takes, which says so. */
const CONFIGURATION_BYTES_MAX = 1 << 20;

/** What `--config` names, which may be a pipe and is read once. Throws ImageError. */
export function configurationOf({ config }: GuestArguments): GuestConfiguration | undefined {
  if (config === undefined) return undefined;
  try {
    return { name: config, bytes: readBounded(config, CONFIGURATION_BYTES_MAX) };
  } catch (error) {
    throw sourceFailure(error, { reference: config });
  }
}
