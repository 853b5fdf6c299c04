import type { Command } from 'commander';
import { addNotes, type CommandNotes } from './command-notes.ts';
import type { Verity } from '../core/verity/parameters.ts';
import { readLockFile } from '../lock-file.ts';
import { compareFile, type Difference } from '../sinks/compare.ts';
import { hashImage } from '../sinks/digest.ts';
import { ExitCode, LockMismatch } from './failure.ts';
import {
  addImageOptions,
  described,
  describedOrLocked,
  type ImageArguments,
  type OpenedWork,
  addLayers,
  withImage,
} from './image-arguments.ts';
import { verityJson } from './verity-text.ts';
import { checkLocked, withLockedImage } from './locked.ts';

interface VerifyOptions extends ImageArguments {
  readonly lock?: string;
}

const NOTES: CommandNotes = {
  examples: [
    ['blockloom verify disk.img base.tar app.tar.gz'],
    ['blockloom verify disk.img --lock disk.lock', 'from the references in the lock file'],
  ],
};

export function addVerify(program: Command, signal: AbortSignal): void {
  const command = program
    .command('verify')
    .description('compare a file with the image of layers, or of a lock file; exit status 4 when they differ')
    .argument('[file]', 'the file to verify; with --lock it may be left out');
  addLayers(command).option(
    '--lock <file>',
    'compare with what a lock file says, from its own references unless layers are given',
  );
  addNotes(addImageOptions(command), NOTES).action(
    async (file: string | undefined, references: string[], { lock, ...given }: VerifyOptions) => {
      if (lock !== undefined) return verifyLocked(file, references, lock, given, signal);
      if (file === undefined) return command.error("error: missing required argument 'file'");
      const { layers, options } = await described(references, given);
      await withImage(layers, options, signal, async (opened) => verifyFile(opened, file, options));
    },
  );
}

async function verifyLocked(
  file: string | undefined,
  references: readonly string[],
  lockFile: string,
  given: ImageArguments,
  signal: AbortSignal,
): Promise<void> {
  const lock = readLockFile(lockFile);
  const { layers, options } = await describedOrLocked(references, given);
  try {
    await withLockedImage(lock, layers, options, signal, async (opened) => {
      const { image, verity, onProgress, print } = opened;
      if (file !== undefined) return verifyFile(opened, file, options, (sha256) => checkLocked(lock, sha256));
      const sha256 = await hashImage(image, 'sha256', { signal, onProgress });
      checkLocked(lock, sha256);
      print(sameText(sha256, options.json === true, verity));
    });
  } catch (error) {
    if (!(error instanceof LockMismatch)) throw error;
    const { differences } = error;
    const lines = differences.map((difference) => `lock-mismatch: ${difference}`).join('\n');
    console.log(options.json === true ? JSON.stringify({ same: false, differences }) : lines);
    process.exitCode = ExitCode.different;
  }
}

async function verifyFile(
  { image, filesystem, verity, onProgress, print, options: { signal } }: OpenedWork,
  file: string,
  { json = false }: ImageArguments,
  check: (sha256: string) => void = () => undefined,
): Promise<void> {
  const comparison = await compareFile(image, file, { signal, onProgress });
  if ('difference' in comparison) {
    print(differenceText(filesystem.blockSize, comparison.difference, json));
    process.exitCode = ExitCode.different;
    return;
  }
  check(comparison.sha256);
  print(sameText(comparison.sha256, json, verity));
}

function sameText(sha256: string, json: boolean, verity: Verity | undefined): string {
  const tree = verity === undefined ? {} : { verity: verityJson(verity) };
  return json ? JSON.stringify({ same: true, sha256, ...tree }) : `same ${sha256}`;
}

function differenceText(blockSize: number, { offset, label }: Difference, json: boolean): string {
  const block = Math.floor(offset / blockSize);
  if (json) return JSON.stringify({ same: false, block, offset, label });
  return `different from block ${block} (byte ${offset}, 0x${offset.toString(16)}): ${label}`;
}
