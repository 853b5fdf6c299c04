import { addNotes, type CommandNotes } from './command-notes.ts';
import type { Command } from 'commander';
import { displayName } from '../core/bytes.ts';
import { ImageError } from '../core/errors.ts';
import { EntryType } from '../core/layer/entry.ts';
import { filePieces } from '../core/reading/contents.ts';
import { findPath, kindOf } from '../core/reading/find.ts';
import { writePieces } from '../sinks/piece-sink.ts';
import { addReadOptions, imageArgument, pathOf, type ReadArguments, withFilesystem } from './readable-image.ts';

const NOTES: CommandNotes = { examples: [['blockloom cat disk.img /etc/hostname /etc/hosts']] };

export function addCat(program: Command, signal: AbortSignal): void {
  const command = program
    .command('cat')
    .description('write files of an image to standard output')
    .argument(...imageArgument)
    .argument('<paths...>', 'the files; symlinks are followed inside the image');
  addNotes(addReadOptions(command), NOTES).action(async (image: string, paths: string[], options: ReadArguments) =>
    withFilesystem(image, options, signal, async (filesystem) => {
      const inodes = paths.map((path) => {
        const inode = findPath(filesystem, pathOf(path));
        if (inode.type === EntryType.file) return inode;
        throw new ImageError('path-not-found', `${displayName(pathOf(path))} is ${kindOf(inode)}, not a file`);
      });
      for (const inode of inodes) await writePieces(filePieces(filesystem, inode), process.stdout, { signal });
    }),
  );
}
