import { addNotes, type CommandNotes } from './command-notes.ts';
import type { Command } from 'commander';
import { displayName } from '../core/bytes.ts';
import { EntryType } from '../core/layer/entry.ts';
import { findPath } from '../core/reading/find.ts';
import { walk } from '../core/reading/walk.ts';
import { arrowText, nodeJson } from './node-text.ts';
import { addReadOptions, imageArgument, pathOf, type ReadArguments, withFilesystem } from './readable-image.ts';
import { parseCount } from './values.ts';
import { JsonArrayOutput, TextOutput } from './text-output.ts';
import type { ReadableFilesystem } from '../core/reading/filesystem.ts';
import type { WalkedName } from '../core/reading/walk.ts';

interface TreeOptions extends ReadArguments {
  readonly level?: number;
}

const NOTES: CommandNotes = { examples: [['blockloom tree disk.img -L 2'], ['blockloom tree disk.img /usr/share']] };

export function addTree(program: Command, signal: AbortSignal): void {
  const command = program
    .command('tree')
    .description('draw the tree of an image, or of a directory in it')
    .argument(...imageArgument)
    .argument('[path]', 'where the tree begins', '/')
    .option('-L, --level <depth>', 'only so many levels', parseCount);
  addNotes(addReadOptions(command), NOTES).action(async (image: string, path: string, options: TreeOptions) =>
    withFilesystem(image, options, signal, async (filesystem) => {
      const names = walk(filesystem, findPath(filesystem, pathOf(path)), options.level);
      await (options.json === true ? printJson(filesystem, names) : printTree(filesystem, names, path));
    }),
  );
}

async function printJson(filesystem: ReadableFilesystem, names: Iterable<WalkedName>): Promise<void> {
  const output = new JsonArrayOutput();
  for (const { path, inode } of names) await output.write(nodeJson(filesystem, path, inode));
  await output.end();
}

async function printTree(filesystem: ReadableFilesystem, names: Iterable<WalkedName>, start: string): Promise<void> {
  const output = new TextOutput();
  /** By depth: whether the directory there has more names to come. */
  const goesOn: boolean[] = [];
  let directories = 0;
  let others = 0;
  for (const { path, depth, inode, isLast } of names) {
    if (depth === 0) await output.write(`${displayName(pathOf(start)) || '/'}\n`);
    else {
      goesOn[depth] = !isLast;
      const lines = goesOn.slice(1, depth).map((more) => (more ? '│   ' : '    '));
      const name = displayName(path.slice(path.lastIndexOf('/') + 1), Number.POSITIVE_INFINITY);
      await output.write(`${lines.join('')}${isLast ? '└── ' : '├── '}${name}${arrowText(filesystem, inode)}\n`);
      if (inode.type === EntryType.directory) directories++;
      else others++;
    }
  }
  await output.write(`\n${counted(directories, 'directory', 'directories')}, ${counted(others, 'file', 'files')}\n`);
  await output.flush();
}

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;
