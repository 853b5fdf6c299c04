import { type Command, Option } from 'commander';
import { openLayeredImage, type OpenedImage, type OpenImageOptions } from '../image/open-image.ts';
import type { DiskOptions } from '../image/disk-options.ts';
import { ImageError } from '../core/errors.ts';
import { FAT_COMPATS } from '../core/fat/options.ts';
import { OPTIONAL_FEATURES } from '../core/ext4/features.ts';
import { type LayerInput, referenceOf } from '../sources/layer-input.ts';
import type { OnProgress } from '../core/progress.ts';
import { defaultCacheDirectory } from '../sources/store/cache-directory.ts';
import { addCommonOptions, type CommonOptions, withProgress } from './common-options.ts';
import type { ProgressLine } from './progress.ts';
import {
  collect,
  parseBlockSize,
  parseCount,
  parseFatBits,
  parseFeatures,
  parseFree,
  parseHosts,
  parseJournal,
  parseModeMask,
  parseMountOptions,
  parseMtime,
  parseOwner,
  parseSalt,
  parseSize,
  parseUuid,
} from './values.ts';

/** What the options of commands that make an image give; names are those of the library, where it has the same. */
export interface ImageArguments
  extends CommonOptions,
    Omit<
      OpenImageOptions,
      'layers' | 'disk' | 'sourceDateEpoch' | 'onProgress' | 'onWarning' | 'cache' | 'cacheBytesMax' | 'authFile'
    > {
  /** True without an option: the default place. */
  readonly cache: string | boolean;
  /** In bytes. */
  readonly cacheMax?: number;
  readonly feature?: OpenImageOptions['features'];
  readonly mountOpts?: OpenImageOptions['mountOptions'];
  /** A word of the command line; what is a map is a definition's. */
  readonly disk?: DiskChoice | DiskOptions | undefined;
  /** A definition, in place of layers. */
  readonly file?: string;
  /** As skopeo spells it. */
  readonly authfile?: string;
}

const LAYERS =
  'layers, bottom first: a tar (plain, gzip, zstd, xz), a directory, dir:PATH, a container image as oci:DIR[:TAG], oci-archive:FILE or docker-archive:FILE or docker://HOST/REPOSITORY[:TAG], or - for a tar on standard input';

/** Adds what says of which layers an image is made: arguments, which `more` says more about, or a definition. */
export function addLayers(command: Command, more = ''): Command {
  return command
    .argument('[layers...]', `${LAYERS}${more}`)
    .option(
      '-f, --file <file>',
      'an image definition in place of layers, YAML or JSON, - for standard input; options given here override its own',
    );
}

/** Adds the options that decide an image, and those that every such command has. */
export function addImageOptions(command: Command): Command {
  addFilesystemOptions(addCommonOptions(command).optionsGroup('What decides the image:'));
  return addSourceOptions(addTreeOptions(command)).optionsGroup('Options:');
}

const DISK_CHOICES = ['none', 'gpt', 'mbr'] as const;
type DiskChoice = (typeof DISK_CHOICES)[number];

/** The options of the filesystem. */
function addFilesystemOptions(command: Command): Command {
  return command
    .option('--size <size>', 'the exact size of the image (512M, 1.5G); default: as large as needed', parseSize)
    .option(
      '--device-size <size>',
      'a larger size of the image, with zeros behind the filesystem: resize2fs in a guest grows it (10G)',
      parseSize,
    )
    .addOption(
      new Option(
        '--fs <type>',
        'ext4, ext2 for systems that know nothing newer, vfat, which holds files and directories alone, or tar for MirageOS (default: ext4)',
      ).choices(['ext4', 'ext2', 'vfat', 'tar']),
    )
    .option('--fat-bits <bits>', 'which FAT: 12, 16 or 32; default: by the size, as mkfs.fat does', parseFatBits)
    .addOption(
      new Option(
        '--fat-compat <reader>',
        'for IncludeOS, which reads no long name whose entries stand in two sectors',
      ).choices(FAT_COMPATS),
    )
    .option(
      '--journal [size]',
      'for guests that write: a journal, of this size (64M) or of the one that mke2fs chooses, room to grow while mounted, and free room',
      parseJournal,
    )
    .option(
      '--free <size|percent>',
      'room to leave for a guest that writes (64M, 10%); default: with --journal 10%, at least 16M, else none',
      parseFree,
    )
    .option('--inodes <count>', 'at least this many inodes', parseCount)
    .option('--block-size <bytes>', '1024, 2048 or 4096 (default: 4096)', parseBlockSize)
    .option(
      '--feature <names>',
      `features by mke2fs' names: ${OPTIONAL_FEATURES.join(', ')}; may be repeated`,
      parseFeatures,
    )
    .option('--mount-opts <names>', "default mount options by tune2fs' names: user_xattr,acl", parseMountOptions)
    .option('--label <name>', 'the volume name, at most 16 bytes, with FAT 11')
    .option(
      '--uuid <uuid>',
      'the UUID, with FAT the volume id (1234-ABCD); default: derived from the tree and the options',
      parseUuid,
    );
}

/** What decides an image beside its filesystem. */
function addTreeOptions(command: Command): Command {
  return command
    .option(
      '--mtime <time>',
      "every time in the image: fixed (SOURCE_DATE_EPOCH, else 2010-01-01), clamp (a layer's, at most that), keep (a layer's own), or a time (default: fixed)",
      parseMtime,
    )
    .option('--owner <uid:gid>', "the owner of everything; default: the layers'", parseOwner)
    .option('--chmod-mask <octal>', 'permission bits to clear, as a umask does', parseModeMask)
    .option('--keep-permissions', 'take owners and modes of host directories as they are; default: 0:0, 0755 and 0644')
    .addOption(
      new Option(
        '--placement <how>',
        'keep the place of what a higher layer removed, or close the gaps (default: stable)',
      ).choices(['stable', 'compact']),
    )
    .addOption(
      new Option(
        '--symlinked-parents <how>',
        "what a symlink among an entry's parents means (default: follow)",
      ).choices(['follow', 'replace', 'error']),
    )
    .addOption(
      new Option(
        '--disk <table>',
        "put the filesystem into a partition of a disk with a table of this kind; its hash tree, with --verity, into another; none takes it out of a definition's disk (default: none)",
      ).choices(DISK_CHOICES),
    )
    .option(
      '--fsverity <path>',
      'a file of the image that has fs-verity, or all below a directory; * ? [a-z] match within a name, ** any directories; may be repeated',
      collect,
    )
    .option(
      '--verity',
      'append a dm-verity hash tree and its superblock, behind the filesystem that --size is of; reads the whole image',
    )
    .addOption(
      new Option(
        '--verity-salt <hex>',
        'the salt of the hash tree, up to 256 bytes, or - for none; default: 32 bytes that are always the same',
      )
        .argParser(parseSalt)
        .implies({ verity: true }),
    )
    .option('--verity-superblock', 'put a superblock in front of the hash tree, as is the default')
    .option('--no-verity-superblock', 'leave that out, as Kata Containers wants it')
    .option(
      '--embed-inputs',
      "name the layers by digest in the image's record; reads tars in place and directories whole",
    )
    .option('--format-version <version>', 'the layout of the image; 1 is the only one yet', parseCount);
}

/** How layers are found and kept. */
function addSourceOptions(command: Command): Command {
  return command
    .optionsGroup('How layers are found and kept:')
    .option('--platform <os/arch>', "which image of an index: OS/ARCH[/VARIANT]; default: linux and this host's")
    .option('--authfile <file>', 'credentials for registries; default: those of skopeo, podman and docker')
    .option('--plain-http <host>', 'a registry to speak to without TLS; may be repeated', parseHosts)
    .option('-j, --jobs <count>', 'how many layers are opened at once; default: one a processor', parseCount)
    .option('--cache <dir>', 'where decompressed layers and their indexes are kept; default: $XDG_CACHE_HOME/blockloom')
    .addOption(
      new Option('--cache-max <size>', 'keep at most so much in the cache: what was used least lately goes first (20G)')
        .env('BLOCKLOOM_CACHE_MAX')
        .argParser(parseSize),
    )
    .option('--no-cache', 'keep nothing between runs');
}

/** Where the cache is; undefined where there is to be none. Without an option commander has no value. */
export function cacheDirectoryOf(cache: string | boolean | undefined): string | undefined {
  if (cache === false) return undefined;
  return typeof cache === 'string' ? cache : defaultCacheDirectory();
}

/** A command line with what its definition says. */
export interface Described<T> {
  readonly layers: readonly LayerInput[];
  /** Those of the command line, and where it has none those of the definition. */
  readonly options: T;
}

/** Reads the definition that `-f` names. Throws as `readDefinition` does, or `option-invalid` when there are layers too, or neither. */
export async function described<T extends ImageArguments>(
  layers: readonly string[],
  options: T,
): Promise<Described<T>> {
  if (options.file === undefined) {
    if (layers.length > 0) return { layers, options };
    throw new ImageError('option-invalid', 'layers are missing: name them, or with -f a definition');
  }
  if (layers.length > 0) {
    throw new ImageError(
      'option-invalid',
      `${layers[0]} is a layer beside -f ${options.file}, which has the layers: one of them`,
    );
  }
  const { readDefinition } = await import('../definition/read-definition.ts');
  const { layers: inputs, ...defaults } = await readDefinition(options.file);
  const disk = toDisk(options.disk, defaults.disk);
  return { layers: inputs, options: { ...defaults, ...options, disk, file: undefined } };
}

/** The disk that a word of the command line asks for, which has the partitions of the one that a definition describes. */
function toDisk(choice: ImageArguments['disk'], definedDisk?: DiskOptions): DiskOptions | undefined {
  if (choice === undefined) return definedDisk;
  if (typeof choice === 'object') return choice;
  return choice === 'none' ? undefined : { ...definedDisk, table: choice };
}

/** The same beside a lock, which has layers and a disk of its own where none are named: a definition that has no disk has `none`. */
export async function describedOrLocked<T extends ImageArguments>(
  layers: readonly string[],
  options: T,
): Promise<Described<T>> {
  if (layers.length === 0 && options.file === undefined) return { layers, options };
  const found = await described(layers, options);
  return options.file === undefined
    ? found
    : { ...found, options: { ...found.options, disk: found.options.disk ?? 'none' } };
}

/** The paths of this host that layers and a disk may be read from. */
export function pathsOf(layers: readonly LayerInput[], disk?: ImageArguments['disk']): string[] {
  const { esp, boot, partitions = [] } = typeof disk === 'object' ? disk : {};
  return [
    ...[...layers, ...(esp?.layers ?? [])].flatMap(pathsOfInput),
    ...partitions.flatMap((each) =>
      'file' in each ? [each.file] : 'layers' in each ? each.layers.flatMap(pathsOfInput) : [],
    ),
    ...[boot?.kernel, boot?.initrd, boot?.efi].filter((path) => path !== undefined),
  ];
}

function pathsOfInput(input: LayerInput): string[] {
  return typeof input !== 'string' && 'files' in input
    ? Object.values(input.files).flatMap((entry) => ('file' in entry ? [entry.file] : []))
    : [referenceOf(input)];
}

/** An image, and the options with which it was opened. */
export interface OpenedWith {
  readonly opened: OpenedImage;
  readonly options: Omit<OpenImageOptions, 'layers'>;
}

/** An image that a command works with. */
export interface OpenedWork extends OpenedImage {
  /** With which it was opened. */
  readonly options: Omit<OpenImageOptions, 'layers'>;
  /** Shows how far the work is. */
  readonly onProgress: OnProgress;
  /** Prints a result where no line of progress is in its way. */
  readonly print: (text: string, stream?: 'stdout' | 'stderr') => void;
}

/** Opens the image that a command line describes, does work with it, and closes it. Warnings go to stderr. */
export async function withImage(
  layers: readonly LayerInput[],
  options: ImageArguments,
  signal: AbortSignal,
  work: (opened: OpenedWork) => Promise<void> | void,
): Promise<void> {
  await withOpened(openNow(layers), options, signal, work);
}

const openNow =
  (layers: readonly LayerInput[]) =>
  async (options: Omit<OpenImageOptions, 'layers'>): Promise<OpenedWith> => ({
    opened: await openLayeredImage({ ...options, layers }),
    options,
  });

/** The same for an image that is opened in another way, with the options that a command line gives. */
export async function withOpened(
  open: (options: Omit<OpenImageOptions, 'layers'>) => Promise<OpenedWith>,
  givenOptions: ImageArguments,
  signal: AbortSignal,
  work: (opened: OpenedWork) => Promise<void> | void,
): Promise<void> {
  await withProgress(givenOptions, async (progress) => {
    const { opened, options } = await open(toOpenOptions(givenOptions, signal, progress));
    try {
      await work({
        ...opened,
        options,
        onProgress: progress.show,
        print: (text, stream = 'stdout') => {
          progress.end();
          if (stream === 'stdout') console.log(text);
          else console.error(text);
        },
      });
    } finally {
      opened.image.close();
    }
  });
}

/** Opens the image that a command line describes. */
export async function openArguments(
  layers: readonly LayerInput[],
  options: ImageArguments,
  signal: AbortSignal,
  progress: ProgressLine,
): Promise<OpenedImage> {
  return openLayeredImage({ ...toOpenOptions(options, signal, progress), layers });
}

function toOpenOptions(
  options: ImageArguments,
  signal: AbortSignal,
  progress: ProgressLine,
): Omit<OpenImageOptions, 'layers'> {
  const { cache, cacheMax, authfile, file: _, feature, mountOpts, disk, ...rest } = options;
  return {
    ...rest,
    disk: toDisk(disk),
    features: feature ?? options.features,
    mountOptions: mountOpts ?? options.mountOptions,
    cache: cache === true ? undefined : cache,
    cacheBytesMax: cacheMax,
    authFile: authfile,
    signal,
    sourceDateEpoch: sourceDateEpoch(process.env['SOURCE_DATE_EPOCH']),
    onProgress: progress.show,
    onWarning: (warning) => {
      if (options.quiet === true) return;
      progress.clear();
      console.error(`blockloom: warning: ${warning}`);
    },
  };
}

/** https://reproducible-builds.org/specs/source-date-epoch/ */
function sourceDateEpoch(value: string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined;
  if (!/^\d{1,15}$/.test(value))
    throw new ImageError('option-invalid', 'SOURCE_DATE_EPOCH is not a number of seconds since 1970');
  return Number(value);
}
