import { writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { addNotes, type CommandNotes } from './command-notes.ts';
import { hexOf } from '../core/bytes.ts';
import { HASH_SIZE } from '../core/verity/format.ts';
import type { FileDigests } from '../image/file-trees.ts';
import { FORMAT_VERSION } from '../core/ext4/options.ts';
import type { Lock } from '../core/lock/lock.ts';
import type { OpenedImage } from '../image/open-image.ts';
import type { LayerInput } from '../sources/layer-input.ts';
import { ImageError } from '../core/errors.ts';
import { outputFailure } from '../sinks/failure.ts';
import type { WrittenImage } from '../sinks/overwrite.ts';
import { checkReusable, type Reflink, type Reuse } from '../sinks/reflink.ts';
import { lockImage, unlockInputs } from '../image/locked-image.ts';
import { readLockFile, writeLockFile } from '../lock-file.ts';
import { addDryRun, dryRunText, tryOutput } from './dry-run.ts';
import {
  addImageOptions,
  described,
  describedOrLocked,
  type ImageArguments,
  type OpenedWork,
  pathsOf,
  addLayers,
  withImage,
} from './image-arguments.ts';
import { checkLocked, withLockedImage } from './locked.ts';
import { measure, measureRows, namedRows } from './measures.ts';
import { checkOutput, STDOUT, writeOutput } from './output.ts';
import { diskJson } from './disk-text.ts';
import { formatSize } from './units.ts';
import { verityJson, verityRows } from './verity-text.ts';

interface BuildOptions extends ImageArguments {
  readonly output: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly reuse?: string;
  readonly reflink?: Reflink;
  readonly digestFile?: string;
  readonly metadataFile?: string;
  readonly fsverityDigests?: string;
  readonly lock?: string;
  readonly locked?: string;
}

const NOTES: CommandNotes = {
  examples: [
    ['blockloom build base.tar app.tar.gz -o disk.img'],
    [
      'blockloom build base.tar app.tar.gz -o disk.img --force --reuse disk.img',
      'again, writing only what changed where the filesystem can clone',
    ],
    ['blockloom build rootfs/ --free 1G --label root -o disk.img', 'a directory, with room for a guest'],
    ['blockloom build oci:app:latest -o disk.img --dry-run', 'how large would it be?'],
    ['blockloom build docker://alpine:3.20 -o - | zstd > disk.img.zst'],
    ['blockloom build base.tar -o disk.img --lock disk.lock', 'and what it came from, for --locked'],
  ],
};

export function addBuild(program: Command, signal: AbortSignal): void {
  const command = program.command('build').description('write the image of layers to a file');
  addLayers(command)
    .requiredOption('-o, --output <file>', 'where the image goes; - for standard output')
    .option('--force', 'replace the file when it exists')
    .option(
      '--reuse <file>',
      'an older image, or the one that is replaced, to share all blocks with that are the same: where the filesystem can clone files (XFS, btrfs) only the others are written',
    )
    .addOption(
      new Option(
        '--reflink <when>',
        'as for cp, with --reuse: where the filesystem cannot clone, write the whole image (auto), or fail (always); or never clone (default: auto)',
      ).choices(['auto', 'always', 'never']),
    )
    .option('--digest-file <file>', 'also write sha256:DIGEST to a file')
    .option('--metadata-file <file>', 'also write what was made, as JSON, to a file')
    .option(
      '--fsverity-digests <file>',
      'also write the digests of files with fs-verity to a file, as fsverity digest prints them',
    )
    .option('--lock <file>', 'also write to a file what the image came from, for --locked and verify --lock')
    .option(
      '--locked <file>',
      'build what a lock file says, from its own references unless layers are given, or nothing',
    );
  addNotes(addImageOptions(addDryRun(command)), NOTES).action(async (references: string[], given: BuildOptions) => {
    const { layers, options } = await (given.locked === undefined ? described : describedOrLocked)(references, given);
    await build(layers, options, given.file, signal);
  });
}

async function build(
  layers: readonly LayerInput[],
  options: BuildOptions,
  definition: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const lock = options.locked === undefined ? undefined : readLockFile(options.locked);
  // Refused before the layers are decompressed, which may take long.
  const inputs = layers.length === 0 && lock !== undefined ? pathsOfLock(lock) : pathsOf(layers, options.disk);
  await checkOutput(
    options.output,
    options.force ?? false,
    definition === undefined ? inputs : [definition, ...inputs],
  );
  await checkReuse(options);
  const opening = { ...options, planOnly: options.dryRun === true };
  if (lock === undefined) {
    return withImage(layers, opening, signal, async (opened) => write(opened, options, () => undefined));
  }
  await withLockedImage(lock, layers, opening, signal, async (opened) =>
    write(opened, options, (sha256) => checkLocked(lock, sha256)),
  );
}

function pathsOfLock(lock: Lock): string[] {
  const { layers, disk } = unlockInputs(lock);
  return pathsOf(layers, disk);
}

/** Throws `option-invalid`, or `layer-not-found` for the file. */
async function checkReuse({ output, reuse, reflink }: BuildOptions): Promise<void> {
  if (reuse === undefined) {
    if (reflink !== undefined) throw new ImageError('option-invalid', '--reflink is about --reuse, which is missing');
    return;
  }
  if (output === STDOUT)
    throw new ImageError('option-invalid', 'standard output shares no blocks: --reuse needs a file');
  await checkReusable(reuse);
}

async function write(opened: OpenedWork, options: BuildOptions, check: (sha256: string) => void): Promise<void> {
  const { output, force, digestFile, metadataFile, fsverityDigests, lock } = options;
  const { onProgress, print } = opened;
  const { signal } = opened.options;
  if (options.dryRun === true) {
    const measures = measure(opened);
    const run = await tryOutput(output, force ?? false, measures);
    return print(dryRunText(run, measureRows(measures), measures, options.json));
  }
  const reuse = reuseOf(options, opened.options.onWarning);
  const written = await writeOutput(opened.image, output, { signal, onProgress, force, check, reuse });
  const { sha256 } = written;
  const metadata = describe(opened, output, written);
  await writeText(digestFile, `sha256:${sha256}\n`);
  await writeText(metadataFile, `${JSON.stringify(metadata, null, 2)}\n`);
  await writeText(fsverityDigests, digestLines(opened.fileDigests));
  if (lock !== undefined) await writeLockFile(lock, await lockImage(opened, opened.options, sha256));
  const rows = [...(opened.verity === undefined ? [] : verityRows(opened.verity)), ...reuseRows(written)];
  const more = rows.length === 0 ? '' : `\n${namedRows(rows)}`;
  const result = options.json === true ? JSON.stringify(metadata) : `${sha256}  ${output}${more}`;
  print(result, output === STDOUT ? 'stderr' : 'stdout');
}

function reuseOf({ reuse, reflink }: BuildOptions, onWarning: Reuse['onWarning']): Reuse | undefined {
  return reuse === undefined ? undefined : { file: reuse, reflink, onWarning };
}

function reuseRows({ reused }: WrittenImage): [string, string][] {
  if (reused === undefined) return [];
  const { kept, written } = reused;
  return [
    ['shared', `${kept} (${formatSize(kept)})`],
    ['written', `${written} (${formatSize(written)})`],
  ];
}

/** A line for each file: `sha256:HEX /path`. */
function* digestLines({ count, label, digests }: FileDigests = NO_DIGESTS): Generator<string, void> {
  for (let file = 0; file < count; file++) {
    const digest = digests.subarray(file * HASH_SIZE, (file + 1) * HASH_SIZE);
    yield `sha256:${hexOf(digest)} ${label(file)}\n`;
  }
}

const NO_DIGESTS: FileDigests = { count: 0, label: () => '', digests: new Uint8Array() };

async function writeText(path: string | undefined, text: string | Iterable<string>): Promise<void> {
  if (path === undefined) return;
  await writeFile(path, text).catch((error: unknown) => {
    throw outputFailure(path, error);
  });
}

function describe(
  { image, filesystem, disk, layers, verity, fileDigests }: OpenedImage,
  output: string,
  { sha256, reused }: WrittenImage,
): Record<string, unknown> {
  const { id, blockSize, blocks, inodes } = filesystem;
  return {
    file: output,
    sha256,
    size: image.size,
    formatVersion: FORMAT_VERSION,
    ...(id !== undefined && { uuid: id }),
    blockSize,
    blocks: blocks.count,
    blocksUsed: blocks.used,
    ...(inodes !== undefined && { inodes: inodes.count, inodesUsed: inodes.used }),
    layers: layers.map(({ reference, index, diffId }) => ({ reference, entries: index.count, diffId })),
    ...(disk !== undefined && { disk: diskJson(disk) }),
    ...(fileDigests !== undefined && { fsverity: { files: fileDigests.count } }),
    ...(verity !== undefined && { verity: verityJson(verity) }),
    ...(reused !== undefined && { reused }),
  };
}
