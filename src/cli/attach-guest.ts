import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ImageError } from '../core/errors.ts';
import type { BlockFile, GuestConfiguration, LaunchOptions } from '../core/launch/launch.ts';
import { readUnikernel } from '../read-unikernel.ts';
import { sourceFailure } from '../sources/failure.ts';
import { collect } from './values.ts';

/** Options about guests that say themselves what disks they have. */
export interface GuestArguments {
  readonly block?: readonly string[];
  readonly config?: string;
}

export function addGuestOptions(command: Command): Command {
  return command
    .option(
      '--block <name=file>',
      'a file for a block device of a Solo5 unikernel, which has the image for the one without; may be repeated',
      collect,
    )
    .option('--config <file>', "the configuration of a Rumprun unikernel, or IncludeOS's vm.json");
}

/** What of a launch is in files. Throws ImageError. */
export function guestOf(
  vmm: string | undefined,
  kernel: string | undefined,
  { block = [], config }: GuestArguments,
): Pick<LaunchOptions, 'unikernel' | 'blocks' | 'configuration'> {
  const isSolo5 = vmm?.startsWith('solo5-') === true;
  if (!isSolo5 && block.length > 0) throw new ImageError('option-invalid', '--block is for unikernels of Solo5');
  return {
    unikernel: isSolo5 && kernel !== undefined ? readUnikernel(kernel) : undefined,
    blocks: block.map(blockFile),
    configuration: config === undefined ? undefined : configurationAt(config),
  };
}

function blockFile(text: string): BlockFile {
  const [, name, file] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || file === undefined) {
    throw new ImageError('option-invalid', `--block ${text}: expected NAME=FILE`);
  }
  try {
    return { name, path: resolve(file), size: statSync(file).size };
  } catch (error) {
    throw sourceFailure(error, { reference: file });
  }
}

function configurationAt(path: string): GuestConfiguration {
  try {
    return { name: path, bytes: readFileSync(path) };
  } catch (error) {
    throw sourceFailure(error, { reference: path });
  }
}
