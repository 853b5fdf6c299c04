import type { Command } from 'commander';
import { addNotes, type CommandNotes } from './command-notes.ts';
import { displayName, utf8ByteString } from '../core/bytes.ts';
import { ImageError } from '../core/errors.ts';
import type { Ext4Plan } from '../core/ext4/layout.ts';
import { normalizePath } from '../core/layer/path.ts';
import { labelAt, type MapRow, mapRows } from '../core/plan/map.ts';
import { addImageOptions, type ImageArguments, layersArgument, withImage } from './image-arguments.ts';
import { JsonArrayOutput, TextOutput } from './text-output.ts';
import { parseOffset } from './values.ts';

interface MapOptions extends ImageArguments {
  readonly at?: number;
  readonly path?: string;
}

const NOTES: CommandNotes = {
  examples: [
    ['blockloom map base.tar app.tar'],
    ['blockloom map base.tar app.tar --at 0x400', 'what lives there'],
    ['blockloom map base.tar app.tar --path /etc/hostname', 'where a file is'],
  ],
};

export function addMap(program: Command, signal: AbortSignal): void {
  const command = program
    .command('map')
    .description('print what lives where in the image; --json has the fields of qemu-img map, and a label')
    .argument(...layersArgument);
  command
    .option('--at <offset>', 'only what lives at a byte offset (decimal, 0x…, or a size)', parseOffset)
    .option('--path <file>', 'only the inode and the blocks of a file, directory or symlink of the image');
  addNotes(addImageOptions(command), NOTES).action(async (layers: string[], options: MapOptions) =>
    withImage(layers, options, signal, async ({ image }) => print(select(image.plan, options), options.json === true)),
  );
}

function select(plan: Ext4Plan, { at, path }: MapOptions): Iterable<MapRow> {
  if (at !== undefined && path !== undefined) throw new ImageError('option-invalid', '--at and --path: one of them');
  if (path !== undefined) return rowsOfPath(plan, path);
  if (at === undefined) return mapRows(plan);
  if (at >= plan.size) throw new ImageError('option-invalid', `offset ${at}: the image has ${plan.size} bytes`);
  const block = Math.floor(at / plan.geometry.blockSize) * plan.geometry.blockSize;
  for (const row of mapRows(plan, block, plan.geometry.blockSize)) {
    if (at < row.start + row.length) return [{ ...row, label: labelAt(plan, at) }];
  }
  return [];
}

function* rowsOfPath(plan: Ext4Plan, path: string): Generator<MapRow, void> {
  const location = plan.locate(normalizePath(utf8ByteString(path), {}));
  if (location === undefined)
    throw new ImageError('layer-not-found', `the image has no ${displayName(utf8ByteString(path))}`);
  const { inodeOffset } = location;
  for (const row of mapRows(plan, inodeOffset, INODE_SIZE)) yield { ...row, label: labelAt(plan, inodeOffset) };
  if (location.length > 0) yield* mapRows(plan, location.offset, location.length);
}

const INODE_SIZE = 256;

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
