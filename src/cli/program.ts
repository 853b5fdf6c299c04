import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addBuild } from './build.ts';
import { addCache } from './cache.ts';
import { addCat } from './cat.ts';
import { addNotes, type Example } from './command-notes.ts';
import { addCommit } from './commit.ts';
import { addCompletion } from './completion.ts';
import { addDiff } from './diff.ts';
import { addDoctor } from './doctor.ts';
import { addExport } from './export.ts';
import { addHash } from './hash.ts';
import { addInit } from './init.ts';
import { addInspect } from './inspect.ts';
import { addLs } from './ls.ts';
import { addMap } from './map.ts';
import { addMeasure } from './measure.ts';
import { addServe } from './serve.ts';
import { addTree } from './tree.ts';
import { addVerify } from './verify.ts';

const EXAMPLES: readonly Example[] = [
  ['blockloom build base.tar app.tar.gz -o disk.img', 'write an image, bottom layer first'],
  ['blockloom build -f image.yaml -o disk.img', 'write the image of a definition; init writes one to change'],
  ['blockloom hash base.tar app.tar.gz', 'the same digest, without writing'],
  ['blockloom verify disk.img base.tar app.tar.gz', 'is disk.img what these layers give?'],
  ['blockloom serve base.tar app.tar.gz', 'serve it over NBD, without writing'],
  ['blockloom ls -l disk.img /etc', 'what is in an image'],
  ['blockloom export disk.img -o disk.tar', 'the image as a tar'],
  ['blockloom map base.tar app.tar.gz --at 0x400', 'what lives at a byte offset'],
];

const EXIT_STATUS =
  'Exit status: 0 done, 1 failed, 2 wrong usage, 3 input corrupt, unsupported or not found, 4 a verification found a difference.';

/** The command tree; `signal` ends whatever runs. */
export function createProgram(signal: AbortSignal): Command {
  const program = new Command('blockloom')
    .description('Turns layers into a byte-deterministic ext4 image.')
    .version(packageVersion())
    .option('--debug', 'show where an error came from')
    .showHelpAfterError('(blockloom help shows how)')
    .exitOverride();
  program.commandsGroup('Make an image of layers:');
  addBuild(program, signal);
  addHash(program, signal);
  addVerify(program, signal);
  addMeasure(program, signal);
  addMap(program, signal);
  addInit(program);
  program.commandsGroup('Read images back:');
  addLs(program, signal);
  addTree(program, signal);
  addCat(program, signal);
  addExport(program, signal);
  addDiff(program, signal);
  addInspect(program, signal);
  program.commandsGroup('Serve images, and keep what was written to them:');
  addServe(program, signal);
  addCommit(program, signal);
  program.commandsGroup('Around it:').helpCommand('help [command]', 'display help for command');
  addCache(program, signal);
  addDoctor(program);
  addCompletion(program);
  addNotes(program, { examples: EXAMPLES }).addHelpText('after', `\n${EXIT_STATUS}`);
  for (const command of program.commands) command.exitOverride();
  return program;
}

function packageVersion(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
