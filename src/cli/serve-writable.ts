import { type Command, Option } from 'commander';
import { ImageError } from '../core/errors.ts';
import type { Export } from '../nbd/index.ts';
import { imageBackend } from '../serve-image.ts';
import type { PumpOptions } from '../sinks/pump.ts';
import { toVeritySalt } from '../image/options.ts';
import type { ImageArguments } from './image-arguments.ts';
import type { OpenedExport } from './serve-exports.ts';

/** What of a command line says whether and where clients write. */
export interface WritableArguments {
  readonly writable?: boolean;
  readonly delta?: string;
  readonly perConnection?: boolean;
}

export function addWritableOptions(command: Command): Command {
  return command
    .option('--writable', 'let clients write; the image stays as it is, and what they write is gone at the end')
    .addOption(
      new Option('--delta <file>', 'let clients write, and keep what they write in a file, for commit too')
        .implies({ writable: true })
        .conflicts('perConnection'),
    )
    .addOption(
      new Option('--per-connection', 'let each client write what only it sees, until it is gone').implies({
        writable: true,
      }),
    );
}

/** Whether clients see what others write: then one process serves them all. */
export function sharesWrites({ writable, perConnection }: WritableArguments): boolean {
  return writable === true && perConnection !== true;
}

/** Throws `option-invalid` for a hash tree of what changes. */
export function refuseHashTree(options: ImageArguments): void {
  if (toVeritySalt(options) === undefined) return;
  throw new ImageError(
    'option-invalid',
    '--verity is for images that nobody writes to: its hash tree would not fit what is written',
  );
}

/** The exports of images, writable as a command line has it; a base of a delta that is kept is read. Throws ImageError. */
export async function servedExports(
  opened: readonly OpenedExport[],
  { writable, ...options }: WritableArguments,
  pumpOptions: PumpOptions,
): Promise<Export[]> {
  if (options.delta !== undefined && opened.length > 1)
    throw new ImageError('option-invalid', `--delta keeps the changes of one image, not of ${opened.length}`);
  if (writable !== true) return opened.map(({ name, image }) => ({ name, backend: imageBackend(image) }));
  const { delta, perConnection } = options;
  const { openWritable } = await import('../open-writable.ts');
  return Promise.all(
    opened.map(async ({ name, image }) => ({
      name,
      backend: await openWritable(image, { delta, perConnection, ...pumpOptions }),
    })),
  );
}
