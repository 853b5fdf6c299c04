import { addNotes, type CommandNotes } from './command-notes.ts';
import { Writable } from 'node:stream';
import type { Command } from 'commander';
import { type ByteString, displayName } from '../core/bytes.ts';
import { ImageError } from '../core/errors.ts';
import { exportLayer } from '../core/reading/export-layer.ts';
import { exportTar } from '../core/reading/export-tar.ts';
import { findPath } from '../core/reading/find.ts';
import type { ReadableFilesystem } from '../core/reading/filesystem.ts';
import { writePieces } from '../sinks/piece-sink.ts';
import { addDryRun, dryRunText, tryOutput } from './dry-run.ts';
import { checkOutput, STDOUT } from './output.ts';
import {
  addReadOptions,
  imageArgument,
  openCompared,
  pathOf,
  type ReadArguments,
  type Reading,
  readingOptions,
  withFilesystem,
  withReadable,
} from './readable-image.ts';
import { collect } from './values.ts';
import { formatSize } from './units.ts';

interface ExportArguments extends ReadArguments {
  readonly output: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly relativeTo?: readonly string[];
}

const NOTES: CommandNotes = {
  notes: [
    'The same image gives the same tar, whatever it is read from. Built again with the same options, the tar gives the same image, byte for byte, when that was made of one layer, or of any with --placement compact. (A hard link whose first name the same layer replaced needs compact as well.) Other stacks give the same tree.',
    'With --relative-to the tar is a layer: what was added or changed, and whiteouts (.wh.NAME) for what is gone. On top of the layers of the base it gives the tree of the image. Times are those of the images: build both with --mtime keep where they shall be kept.',
  ],
  examples: [
    ['blockloom export disk.img -o disk.tar', 'all of an image'],
    ['blockloom export disk.img /etc | tar -t', 'a part of it'],
    ['blockloom export base.tar --delta work.delta --relative-to base.tar -o top.tar', 'what clients of serve changed'],
  ],
};

export function addExport(program: Command, signal: AbortSignal): void {
  const command = program
    .command('export')
    .description('write what an image holds, or what is below a path of it, as a deterministic tar')
    .argument(...imageArgument)
    .argument('[path]', 'a directory, or one file', '/')
    .option('-o, --output <file>', 'where the tar goes; - for standard output', STDOUT)
    .option('--force', 'replace the file when it exists')
    .option(
      '--relative-to <base>',
      'only what changed since that image or layer; more layers on top may follow',
      collect,
    );
  addNotes(addReadOptions(addDryRun(command)), NOTES).action(
    async (image: string, path: string, options: ExportArguments) => {
      const inputs = [
        image,
        ...(options.layer ?? []),
        ...(options.relativeTo ?? []),
        ...(options.delta === undefined ? [] : [options.delta]),
      ];
      await checkOutput(options.output, options.force ?? false, inputs);
      await withFilesystem(image, options, signal, async (filesystem, reading) => {
        const { relativeTo: references } = options;
        if (references === undefined)
          return writeTar(tarOf(filesystem, pathOf(path), reading), options, reading, signal);
        if (pathOf(path) !== '')
          throw new ImageError('option-invalid', '--relative-to exports the whole image, not a path');
        const compared = readingOptions(options, false);
        await withReadable({ references }, compared, signal, reading.progress, async (base) =>
          writeTar(
            exportLayer(openCompared(base.image, options.partition).filesystem, filesystem, reading),
            options,
            reading,
            signal,
          ),
        );
      });
    },
  );
}

function tarOf(filesystem: ReadableFilesystem, path: ByteString, reading: Reading): Iterable<Uint8Array> {
  const name = path.split('/').findLast((part) => part !== '') ?? '';
  const inode = findPath(filesystem, path);
  if (name === '..') throw new ImageError('option-invalid', `${displayName(path)}: a path ends in a name`);
  return exportTar(filesystem, inode, name, reading);
}

async function writeTar(
  pieces: Iterable<Uint8Array>,
  { output, force, json, dryRun }: ExportArguments,
  { progress }: Reading,
  signal: AbortSignal,
): Promise<void> {
  const target = dryRun === true ? nowhere() : output === STDOUT ? process.stdout : output;
  const { sha256, size } = await writePieces(pieces, target, { signal, force, onProgress: progress.show });
  progress.end();
  if (dryRun === true) {
    const run = await tryOutput(output, force ?? false, { size, allocated: size });
    const rows = [['size', `${size} (${formatSize(size)})`] as const, ['sha256', sha256] as const];
    return console.log(dryRunText(run, rows, { sha256 }, json));
  }
  const result = json === true ? JSON.stringify({ file: output, sha256, size }) : `${sha256}  ${output}`;
  if (output === STDOUT) {
    if (json === true) console.error(result);
  } else console.log(result);
}

/** Takes everything and keeps nothing. */
function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}
