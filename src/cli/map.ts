import type { Command } from 'commander';
import { addNotes, type CommandNotes } from './command-notes.ts';
import { type ByteString, displayName, utf8ByteString } from '../core/bytes.ts';
import { ImageError } from '../core/errors.ts';
import { choosePartition } from '../core/disk/choose-partition.ts';
import { filesystemRows, partitionLabel } from '../core/disk/disk-map.ts';
import type { ReadPartition } from '../core/disk/read-partitions.ts';
import type { ReadMapRow } from '../core/ext4/reader/read-map.ts';
import { FatFilesystem } from '../core/fat/reader/filesystem.ts';
import { ENTRY_SIZE } from '../core/fat/format/directory-entry.ts';
import type { Image } from '../image/image.ts';
import { type FoundFilesystem, mapDisk, openFilesystem, readDisk } from '../image/open-filesystem.ts';
import type { OpenedImage } from '../image/open-image.ts';
import { normalizePath } from '../core/layer/path.ts';
import { labelAt, type MapRow, mapRows } from '../core/plan/map.ts';
import { type LayerInput, referenceOf } from '../sources/layer-input.ts';
import { withProgress } from './common-options.ts';
import { addImageOptions, addLayers, described, type ImageArguments, pathsOf } from './image-arguments.ts';
import { checkOutput } from './output.ts';
import { writePicture } from './picture.ts';
import { withReadable } from './readable-image.ts';
import { JsonArrayOutput, TextOutput } from './text-output.ts';
import { parseOffset } from './values.ts';

interface MapOptions extends ImageArguments {
  readonly at?: number;
  readonly path?: string;
  readonly html?: string;
  readonly force?: boolean;
  readonly delta?: string;
  readonly partition?: string;
}

const NOTES: CommandNotes = {
  examples: [
    ['blockloom map base.tar app.tar'],
    ['blockloom map base.tar app.tar --at 0x400', 'what lives there'],
    ['blockloom map base.tar app.tar --path /etc/hostname', 'where a file is'],
    ['blockloom map base.tar app.tar --html map.html', 'a picture, for a browser'],
    ['blockloom map disk.img', 'of the file of an image'],
  ],
};

export function addMap(program: Command, signal: AbortSignal): void {
  const command = program
    .command('map')
    .description('print what lives where in the image; --json has the fields of qemu-img map, and a label');
  addLayers(command, '; or the file of an image')
    .option('--html <file>', 'a picture of the image: one page that needs nothing else; - for standard output')
    .option('--force', 'replace the page when it exists')
    .option('--delta <file>', 'map what serve --delta has kept for the image over it')
    .option(
      '--partition <which>',
      'of a disk only the partition with this number, name or filesystem label; --path and --html take its root partition without',
    )
    .option('--at <offset>', 'only what lives at a byte offset (decimal, 0x…, or a size)', parseOffset)
    .option(
      '--path <file>',
      'only the inode and the blocks of a file, directory or symlink, whose parents may be symlinks',
    );
  addNotes(addImageOptions(command), NOTES).action(async (references: string[], given: MapOptions) => {
    const { layers, options } = await described(references, given);
    await map(layers, options, signal);
  });
}

async function map(references: readonly LayerInput[], options: MapOptions, signal: AbortSignal): Promise<void> {
  const { html, force = false, json, delta } = options;
  if (html !== undefined) await checkOutput(html, force, pathsOf(references));
  // Of a definition the filesystem is drawn, unless a partition of its disk is asked for.
  const isPicture = html !== undefined && delta === undefined && options.partition === undefined;
  await withProgress(options, async (progress) =>
    withReadable(
      { references, delta },
      { ...options, planOnly: delta === undefined, ...(isPicture && { disk: 'none' as const }) },
      signal,
      progress,
      async ({ image, planned, layers }) => {
        if (html !== undefined) {
          const names = references.map(referenceOf);
          const { image: drawn } = openFilesystem(image, options.partition);
          return writePicture({ image: drawn, layers, references: names, output: html, force }, signal, progress);
        }
        await print(selected(image, planned, options), json === true);
      },
    ),
  );
}

function selected(image: Image, planned: OpenedImage | undefined, options: MapOptions): Iterable<MapRow> {
  const { path, partition } = options;
  if (partition === undefined) return planned === undefined ? selectRead(image, options) : select(planned, options);
  if (path !== undefined) return selectRead(image, options);
  const rows = planned === undefined ? selectRead(image, options) : select(planned, options);
  return rowsWithin(rows, partitionOf(image, partition));
}

function partitionOf(image: Image, wanted: string): ReadPartition {
  const disk = readDisk(image);
  if (disk !== undefined) return choosePartition(disk.partitions, wanted).partition;
  throw new ImageError('option-invalid', `partition ${wanted} of an image that has no partition table`);
}

function* rowsWithin(rows: Iterable<MapRow>, { start, length }: ReadPartition): Generator<MapRow, void> {
  for (const row of rows) if (row.start >= start && row.start < start + length) yield row;
}

function select(planned: OpenedImage, options: MapOptions): Iterable<MapRow> {
  const { plan } = planned.image;
  const { blockSize } = planned.filesystem;
  const { at, path } = checkedSelection(options, plan.size);
  if (path !== undefined) return rowsOfPath(planned, path);
  if (at === undefined) return mapRows(plan);
  const block = Math.floor(at / blockSize) * blockSize;
  for (const row of mapRows(plan, block, blockSize)) {
    if (at < row.start + row.length) return [{ ...row, label: labelAt(plan, at) }];
  }
  return [];
}

/** The same of an image that was not planned: as its filesystem says, or its partition table and the filesystems behind it. */
function* selectRead(image: Image, options: MapOptions): Generator<MapRow, void> {
  const { at, path } = checkedSelection(options, image.size);
  if (path !== undefined) return yield* rowsOfReadPath(image, path, options.partition);
  const disk = readDisk(image);
  const rows = disk === undefined ? filesystemRows(openFilesystem(image).filesystem, image.size) : mapDisk(image, disk);
  for (const row of rows) if (at === undefined || (at >= row.start && at < row.start + row.length)) yield row;
}

function* rowsOfReadPath(image: Image, path: string, wanted: string | undefined): Generator<MapRow, void> {
  const { filesystem, image: part, partition } = openFilesystem(image, wanted);
  const [start, prefix] =
    partition === undefined ? [0, ''] : [partition.partition.start, `${partitionLabel(partition.partition)}: `];
  const placed = (row: MapRow): MapRow => ({ ...row, start: start + row.start, label: `${prefix}${row.label}` });
  const inode = inodeOf(filesystem, path);
  if (inode.length > 0) yield placed(inode);
  for (const row of filesystemRows(filesystem, part.size)) if (row.ino === inode.ino) yield placed(row);
}

/** Where what a filesystem says of a path stands: its inode, or its entry in its directory, which the root has none of. */
function inodeOf(filesystem: FoundFilesystem['filesystem'], given: string): ReadMapRow {
  const path = `/${normalizePath(utf8ByteString(given), {})}`;
  const inode = filesystem.resolve(path, { followLast: false });
  if (inode === undefined) throw noSuchPath(displayName(path));
  const { ino } = inode;
  if (filesystem instanceof FatFilesystem) return fatEntry(ino, path, ino === filesystem.root.ino ? 0 : ENTRY_SIZE);
  const label = `inode table, inode ${ino}, ${displayName(path)}`;
  const start = filesystem.inodeOffset({ ino });
  return { start, length: filesystem.superblock.inodeSize, zero: false, label, ino };
}

const fatEntry = (ino: number, path: ByteString, length: number): ReadMapRow => ({
  start: ino * ENTRY_SIZE,
  length,
  zero: false,
  label: `directory entry of ${displayName(path)}`,
  ino,
});

function checkedSelection({ at, path }: MapOptions, size: number): Pick<MapOptions, 'at' | 'path'> {
  if (at !== undefined && path !== undefined) throw new ImageError('option-invalid', '--at and --path: one of them');
  if (at !== undefined && at >= size)
    throw new ImageError('option-invalid', `offset ${at}: the image has ${size} bytes`);
  return { ...(at !== undefined && { at }), ...(path !== undefined && { path }) };
}

const noSuchPath = (path: string): ImageError => new ImageError('path-not-found', `the image has nothing at ${path}`);

function* rowsOfPath({ image: { plan }, filesystem, filesystemStart }: OpenedImage, path: string): Generator<MapRow> {
  const location = filesystem.locate(normalizePath(utf8ByteString(path), {}));
  if (location === undefined) throw noSuchPath(displayName(utf8ByteString(path)));
  const metadata = filesystemStart + location.metadataOffset;
  for (const row of mapRows(plan, metadata, location.metadataLength)) yield { ...row, label: labelAt(plan, metadata) };
  if (location.length > 0) yield* mapRows(plan, filesystemStart + location.offset, location.length);
}

async function print(rows: Iterable<MapRow>, json: boolean): Promise<void> {
  if (json) {
    const output = new JsonArrayOutput();
    for (const row of rows) await output.write(toJson(row));
    return output.end();
  }
  const output = new TextOutput();
  await output.write(`${'offset'.padStart(14)} ${'length'.padStart(14)} kind label\n`);
  for (const row of rows) await output.write(toText(row));
  await output.flush();
}

function toText({ start, length, zero, label }: MapRow): string {
  return `${String(start).padStart(14)} ${String(length).padStart(14)} ${zero ? 'zero' : 'data'} ${label}\n`;
}

function toJson({ start, length, zero, label }: MapRow): object {
  return {
    start,
    length,
    depth: 0,
    present: true,
    zero,
    data: !zero,
    compressed: false,
    offset: start,
    label,
  };
}
