import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { workFolder } from '../input.ts';
import { type Run, run } from '../run.ts';
import { median } from '../statistics.ts';
import { blockloom } from '../subjects.ts';
import { usage } from '../serve/process-usage.ts';
import { startServer } from '../serve/server.ts';
import type { Shape } from './shapes.ts';

/** What one kind of work on an image took. */
export interface Cost {
  readonly milliseconds: number;
  /** Of all threads, in user and kernel mode. */
  readonly processorMilliseconds: number;
  /** The most that was resident; of a server, what is when the first block has left. */
  readonly residentBytes: number;
}

/** What is done with every image, in the order of the tables. */
export const WORK = ['plan, nothing cached', 'plan', 'first block', 'build', 'hash', 'map'] as const;
export type Work = (typeof WORK)[number];
export type Costs = Partial<Record<Work, Cost>>;

const SETTLED_MILLISECONDS = 2500;

/** Does all of it `rounds` times, and gives the medians. */
export async function measureShape(shape: Shape, rounds: number): Promise<Costs> {
  const runs: Costs[] = [];
  await settled(shape.layers);
  // What is not counted fills the page cache and the cache of indexes.
  await does('plan', shape);
  for (let round = 0; round < rounds; round++) {
    const costs: Costs = {};
    for (const work of WORK) {
      const digests = work === 'build' || work === 'hash';
      if (!digests || shape.isTooLargeToDigest !== true) costs[work] = await does(work, shape);
    }
    runs.push(costs);
  }
  return Object.fromEntries(
    WORK.filter((work) => runs[0]?.[work] !== undefined).map((work) => [
      work,
      medians(runs.map((costs) => costs[work]!)),
    ]),
  );
}

/** The index of a file is not cached that was written within the last two seconds. */
async function settled(layers: readonly string[]): Promise<void> {
  const written = Math.max(...layers.map((layer) => statSync(layer).mtimeMs));
  await sleep(Math.max(written + SETTLED_MILLISECONDS - Date.now(), 0));
}

function medians(costs: readonly Cost[]): Cost {
  const of = (key: keyof Cost): number => median(costs.map((cost) => cost[key]));
  return {
    milliseconds: of('milliseconds'),
    processorMilliseconds: of('processorMilliseconds'),
    residentBytes: of('residentBytes'),
  };
}

async function does(work: Work, { layers, options = [] }: Shape): Promise<Cost> {
  const folder = workFolder();
  const cache = ['--cache', join(folder, 'cache-scale')];
  const image = join(folder, 'scale.img');
  switch (work) {
    case 'plan, nothing cached':
      return planned(run(folder, [...blockloom, 'measure', '--json', '--no-cache', ...options, ...layers]));
    case 'plan':
      return planned(run(folder, [...blockloom, 'measure', '--json', ...cache, ...options, ...layers]));
    case 'first block':
      return firstBlock((socket) => [
        ...blockloom,
        'serve',
        '--quiet',
        '--socket',
        socket,
        ...cache,
        ...options,
        ...layers,
      ]);
    case 'build':
      rmSync(image, { force: true });
      try {
        return costOf(run(folder, [...blockloom, 'build', '-o', image, ...cache, ...options, ...layers]));
      } finally {
        rmSync(image, { force: true });
      }
    case 'hash':
      return costOf(run(folder, [...blockloom, 'hash', ...cache, ...options, ...layers]));
    case 'map':
      // Not through a pipe: who reads it would take as long.
      return costOf(
        run(folder, ['sh', '-c', '"$@" >/dev/null', 'sh', ...blockloom, 'map', ...cache, ...options, ...layers]),
      );
  }
}

/** Within the process: from the opening of the layers to the plan. */
function planned(measured: Run): Cost {
  const { milliseconds } = JSON.parse(measured.stdout) as { readonly milliseconds: number };
  return { ...costOf(measured), milliseconds };
}

function costOf(measured: Run): Cost {
  const { milliseconds, userMilliseconds = Number.NaN, systemMilliseconds = 0, residentBytes = Number.NaN } = measured;
  return { milliseconds, processorMilliseconds: userMilliseconds + systemMilliseconds, residentBytes };
}

async function firstBlock(command: (socket: string) => readonly string[]): Promise<Cost> {
  const server = await startServer(workFolder(), 'scale', command);
  try {
    const { processorSeconds, residentBytes } = usage(server.pid);
    return {
      milliseconds: server.firstBlockMilliseconds,
      processorMilliseconds: processorSeconds * 1000,
      residentBytes,
    };
  } finally {
    await server.stop();
  }
}
