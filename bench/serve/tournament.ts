import { median } from '../statistics.ts';
import { rotated } from '../turns.ts';
import { fill } from './clients.ts';
import type { Contender, Served } from './contenders.ts';
import { runLoad, type Sample } from './load.ts';
import { during, usage } from './process-usage.ts';
import { type Server, startServer } from './server.ts';
import { randomReads, type Workload } from './workloads.ts';

/** One run of one workload against one server. */
export interface Cell extends Sample {
  /** Of the server, for all bytes. */
  readonly processorSeconds: number;
}

/** What servers were measured at, and their memory. */
export interface Standing {
  readonly reference: string;
  /** Names of the servers, in the order of the columns. */
  readonly contenders: readonly string[];
  /** Of each server, a cell a round. */
  readonly lines: readonly { readonly workload: Workload; readonly cells: Readonly<Record<string, readonly Cell[]>> }[];
  readonly memory: Readonly<Record<string, { readonly idleBytes: number; readonly busiestBytes: number }>>;
}

/** How a tournament is held. */
export interface Rules {
  readonly folder: string;
  readonly rounds: number;
  readonly seconds: number;
}

/** Seeds of rounds are multiples of it, because small ones make similar numbers: 2^32 by the golden ratio. */
const SEED = 0x9e3779b1;

/** So long each server is read before anything counts. */
const WARM_UP_SECONDS = 2;

/** Starts all servers, then measures each workload against all of them in turns. */
export async function tournament(
  contenders: readonly Contender[],
  workloads: readonly Workload[],
  reference: string,
  served: Served,
  rules: Rules,
): Promise<Standing> {
  const servers = new Map<string, Server>();
  const memory = new Map<string, { idleBytes: number; busiestBytes: number }>();
  try {
    for (const { name, command, isEmpty } of contenders) {
      const server = await startServer(rules.folder, name.replaceAll(/\W+/g, '-'), command);
      servers.set(name, server);
      if (isEmpty === true) await fill(server.socket, served.image);
      const idleBytes = usage(server.pid).residentBytes;
      memory.set(name, { idleBytes, busiestBytes: idleBytes });
      await runLoad({ ...randomReads(server.socket, 16, 1), seconds: WARM_UP_SECONDS });
    }
    const lines = [];
    for (const workload of workloads) {
      lines.push({ workload, cells: await rounds(workload, servers, memory, served, rules) });
    }
    return { reference, contenders: [...servers.keys()], lines, memory: Object.fromEntries(memory) };
  } finally {
    await Promise.all([...servers.values()].map(async (server) => server.stop()));
  }
}

async function rounds(
  workload: Workload,
  servers: ReadonlyMap<string, Server>,
  memory: ReadonlyMap<string, { busiestBytes: number }>,
  { imageBytes }: Served,
  rules: Rules,
): Promise<Record<string, Cell[]>> {
  const cells: Record<string, Cell[]> = {};
  for (let round = 0; round < rules.rounds; round++) {
    for (const [name, { socket, pid }] of rotated([...servers], round)) {
      const place = { socket, imageBytes, seconds: rules.seconds, seed: Math.imul(round + 1, SEED) };
      const { result, processorSeconds, residentBytes } = await during(pid, async () => workload.run(place));
      (cells[name] ??= []).push({ ...result, processorSeconds });
      const seen = memory.get(name);
      if (seen !== undefined) seen.busiestBytes = Math.max(seen.busiestBytes, residentBytes);
    }
  }
  console.error(`${workload.name}: measured`);
  return cells;
}

/** The median of a figure over the rounds; undefined for a server that has none. */
export function medianOf(
  cells: readonly Cell[] | undefined,
  figure: (cell: Cell) => number | undefined,
): number | undefined {
  const values = cells?.map(figure).filter((value) => value !== undefined) ?? [];
  return values.length === 0 ? undefined : median(values);
}

/** The median of a figure's ratio to the reference's of the same round. */
export function ratioOf(
  line: Standing['lines'][number],
  [name, reference]: readonly [string, string],
  figure: (cell: Cell) => number | undefined,
): number | undefined {
  const peers = line.cells[reference] ?? [];
  const ratios = (line.cells[name] ?? []).flatMap((cell, round) => {
    const peer = peers[round];
    const ours = figure(cell);
    const theirs = peer && figure(peer);
    return ours === undefined || theirs === undefined ? [] : [ours / theirs];
  });
  return ratios.length === 0 ? undefined : median(ratios);
}
