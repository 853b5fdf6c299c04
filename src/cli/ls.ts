import { addNotes, type CommandNotes } from './command-notes.ts';
import type { Command } from 'commander';
import { type ByteString, displayName } from '../core/bytes.ts';
import type { ReadableFilesystem, ReadableInode } from '../core/reading/filesystem.ts';
import { EntryType } from '../core/layer/entry.ts';
import { findPath } from '../core/reading/find.ts';
import { walk } from '../core/reading/walk.ts';
import { arrowText, longText, nodeJson } from './node-text.ts';
import { addReadOptions, imageArgument, pathOf, type ReadArguments, withFilesystem } from './readable-image.ts';
import { JsonArrayOutput, TextOutput } from './text-output.ts';

interface LsOptions extends ReadArguments {
  readonly long?: boolean;
  readonly recursive?: boolean;
}

const NOTES: CommandNotes = {
  examples: [
    ['blockloom ls -l disk.img /etc'],
    ['blockloom ls -R base.tar --layer app.tar.gz', 'all paths of what layers give'],
    ['blockloom ls --json disk.img /bin', 'with xattrs, all times and inode numbers'],
  ],
};

export function addLs(program: Command, signal: AbortSignal): void {
  const command = program
    .command('ls')
    .description('list a directory of an image, names in byte order')
    .argument(...imageArgument)
    .argument('[path]', 'what to list', '/')
    .option('-l, --long', 'mode, links, owner, size or device, time in UTC')
    .option('-R, --recursive', 'with everything below, as paths');
  addNotes(addReadOptions(command), NOTES).action(async (image: string, path: string, options: LsOptions) =>
    withFilesystem(image, options, signal, async (filesystem) => {
      const start = findPath(filesystem, pathOf(path));
      const found = listed(filesystem, start, pathOf(path), options.recursive === true);
      await (options.json === true
        ? printJson(filesystem, found)
        : printText(filesystem, found, options.long === true));
    }),
  );
}

type Listed = Iterable<{ readonly path: ByteString; readonly inode: ReadableInode }>;

/** What stands below a directory; of anything else itself. */
function* listed(filesystem: ReadableFilesystem, start: ReadableInode, path: ByteString, isRecursive: boolean): Listed {
  let count = 0;
  for (const walked of walk(filesystem, start, isRecursive ? undefined : 1)) if (count++ > 0) yield walked;
  if (count === 1 && start.type !== EntryType.directory) yield { path, inode: start };
}

async function printJson(filesystem: ReadableFilesystem, found: Listed): Promise<void> {
  const output = new JsonArrayOutput();
  for (const { path, inode } of found) await output.write(nodeJson(filesystem, path, inode));
  await output.end();
}

async function printText(filesystem: ReadableFilesystem, found: Listed, isLong: boolean): Promise<void> {
  const output = new TextOutput();
  for (const { path, inode } of found) {
    const name = displayName(path, Number.POSITIVE_INFINITY);
    await output.write(isLong ? `${longText(inode)} ${name}${arrowText(filesystem, inode)}\n` : `${name}\n`);
  }
  await output.flush();
}
