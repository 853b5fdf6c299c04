import { statSync } from 'node:fs';
import { join } from 'node:path';
import { host } from '../host.ts';
import { type Input, type Size, usrInput, workFolder } from '../input.ts';
import { run } from '../run.ts';
import { blockloom } from '../subjects.ts';
import { readers, REFERENCE, type Served, WRITE_REFERENCE, writers } from './contenders.ts';
import { benchEndurance, benchFilesMemory } from './endurance.ts';
import { benchFirstBlock } from './first-block.ts';
import { printStanding } from './report.ts';
import { tournament } from './tournament.ts';
import { readWorkloads, writeWorkloads } from './workloads.ts';

/** What is measured, and how long. */
export interface ServeOptions {
  readonly size: Size;
  readonly rounds: number;
  /** Shorter runs and fewer requests. */
  readonly quick: boolean;
  /** Memory with a million files, too. */
  readonly million: boolean;
  /** How many one server answers while its memory is watched. */
  readonly requests: number;
  /** One of the parts; all of them without it. */
  readonly only?: string | undefined;
}

/** Measures our server beside its peers, part by part, and prints their tables. Throws for a part that does not exist. */
export async function benchServe({ size, rounds, quick, million, requests, only }: ServeOptions): Promise<unknown> {
  if (process.platform !== 'linux') throw new Error('bench serve reads /proc, which only Linux has');
  const folder = workFolder();
  const input = await usrInput(size);
  const served = writeImage(folder, input);
  const seconds = quick ? 0.5 : 1.5;
  const rules = { folder, rounds, seconds };
  const parts: Record<string, () => Promise<unknown>> = {
    reads: async () => {
      const standing = await tournament(readers(served), readWorkloads(), REFERENCE, served, rules);
      printStanding(standing);
      return standing;
    },
    writes: async () => {
      const standing = await tournament(writers(served), writeWorkloads(), WRITE_REFERENCE, served, rules);
      printStanding(standing);
      return standing;
    },
    'first-block': async () => benchFirstBlock(folder, input, rounds),
    endurance: async () => benchEndurance(folder, input.tar, served.cache, { requests, seconds }),
    files: async () => benchFilesMemory(folder, served.cache, { million, seconds }),
  };
  if (only !== undefined && parts[only] === undefined)
    throw new Error(`no part ${only} of bench serve, but ${Object.keys(parts).join(', ')}`);
  console.log(
    `${input.entries} entries, an image of ${(served.imageBytes / 2 ** 20).toFixed(0)} MiB, ${rounds} rounds\n`,
  );
  const results: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(parts)) {
    if (only === undefined || only === name) results[name] = await part();
  }
  const { imageBytes } = served;
  return {
    input: { entries: input.entries, bytes: input.bytes, imageBytes },
    rounds,
    seconds,
    host: host(),
    ...results,
  };
}

/** What the peers serve: the image of the same layer, written once. */
function writeImage(folder: string, { tar }: Input): Served {
  const image = join(folder, 'served.img');
  const cache = join(folder, 'cache-warm');
  run(folder, [...blockloom, 'build', tar, '-o', image, '--force', '--cache', cache]);
  return { tar, image, imageBytes: statSync(image).size, cache };
}
