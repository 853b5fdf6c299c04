import type { Command } from 'commander';
import { addNotes, type CommandNotes } from './command-notes.ts';
import { displayName, utf8ByteString } from '../core/bytes.ts';
import { ImageError } from '../core/errors.ts';
import { Filesystem } from '../core/ext4/reader/filesystem.ts';
import { readMapRows } from '../core/ext4/reader/read-map.ts';
import type { Image } from '../image/image.ts';
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
  await withProgress(options, async (progress) =>
    withReadable(
      { references, delta },
      { ...options, planOnly: delta === undefined, ...(html !== undefined && { disk: 'none' as const }) },
      signal,
      progress,
      async ({ image, planned, layers }) => {
        if (html !== undefined) {
          const names = references.map(referenceOf);
          return writePicture({ image, layers, references: names, output: html, force }, signal, progress);
        }
        const rows = planned === undefined ? selectRead(image, options) : select(planned, options);
        await print(rows, json === true);
      },
    ),
  );
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

/** The same of an image that was not planned: as its filesystem says. */
function* selectRead(image: Image, options: MapOptions): Generator<MapRow, void> {
  const { at, path } = checkedSelection(options, image.size);
  const filesystem = new Filesystem(image);
  const inode = path === undefined ? undefined : inodeOf(filesystem, path);
  if (inode !== undefined) yield inode.row;
  for (const row of readMapRows(filesystem, image.size)) {
    if (at !== undefined && (at < row.start || at >= row.start + row.length)) continue;
    if (inode !== undefined && row.ino !== inode.ino) continue;
    yield row;
  }
}

function inodeOf(filesystem: Filesystem, given: string): { readonly ino: number; readonly row: MapRow } {
  const path = `/${normalizePath(utf8ByteString(given), {})}`;
  const inode = filesystem.resolve(path, { followLast: false });
  if (inode === undefined) throw noSuchPath(displayName(path));
  const label = `inode table, inode ${inode.ino}, ${displayName(path)}`;
  const start = filesystem.inodeOffset(inode);
  return { ino: inode.ino, row: { start, length: filesystem.superblock.inodeSize, zero: false, label } };
}

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
