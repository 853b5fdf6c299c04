import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { addNotes, type CommandNotes } from './command-notes.ts';
import { ImageError } from '../core/errors.ts';
import { exampleDefinition } from '../definition/example.ts';
import { errnoOf } from '../sources/failure.ts';
import { outputFailure } from '../sinks/failure.ts';

/** Where the package has the JSON Schema of definitions. */
const SCHEMA = fileURLToPath(new URL('../../../schema/image.schema.json', import.meta.url));

const NOTES: CommandNotes = {
  examples: [['blockloom init'], ['blockloom build -f image.yaml -o disk.img', 'the image that it describes']],
};

export function addInit(program: Command): void {
  const command = program
    .command('init')
    .description('write an example of an image definition, to be changed, for -f of the commands that make an image')
    .argument('[file]', 'where it goes; - for standard output', 'image.yaml')
    .option('--force', 'replace the file when it exists');
  addNotes(command, NOTES).action(async (file: string, { force = false }: { force?: boolean }) => {
    const example = exampleDefinition(SCHEMA);
    if (file === '-') return void process.stdout.write(example);
    await writeFile(file, example, { flag: force ? 'w' : 'wx' }).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw outputFailure(file, error);
      throw new ImageError('output-exists', `${file} exists; --force replaces it`);
    });
    console.log(file);
  });
}
