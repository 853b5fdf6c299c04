import { setTimeout as sleep } from 'node:timers/promises';
import { has } from '../run.ts';
import { fio, nbdcopy } from './clients.ts';
import { type Load, runLoad, type Sample, startLoad } from './load.ts';
import type { Target } from './targets.ts';

/** Where a workload is to run, and how long. */
interface Place {
  readonly socket: string;
  readonly imageBytes: number;
  readonly seconds: number;
  /** Another one each round, the same for all servers. */
  readonly seed: number;
}

/** One line of the table: a client's work. */
export interface Workload {
  readonly name: string;
  /** The program of the client, when it is not ours. */
  readonly client?: string;
  /** Of one request; without it the table shows bytes a second. */
  readonly requestBytes?: number;
  /** Of our ratio to the reference. */
  readonly target?: Target;
  /** Of our ratio of p99.9 to the reference's. */
  readonly tailTarget?: Target;
  readonly run: (place: Place) => Promise<Sample>;
}

const BLOCK = 4096;
const BULK_BYTES = 1 << 18;
const BULK_READS = {
  connections: 1,
  command: 'read',
  order: 'sequential',
  requestBytes: BULK_BYTES,
  depth: 64,
} as const;
const BULK_WRITES = { ...BULK_READS, command: 'write', depth: 4 } as const;
const RANDOM_WRITES = { connections: 1, command: 'write', order: 'random', requestBytes: BLOCK } as const;
/** The bulk reader is under way when the small one begins. */
const BULK_LEAD = 300;

/** Of servers that are read. */
export function readWorkloads(): Workload[] {
  return installed([
    fioWorkload({ depth: 1 }, { atLeast: 1.4 }),
    { ...fioWorkload({ depth: 16 }, { atLeast: 1.4 }), tailTarget: { atMost: 1 } },
    fioWorkload({ depth: 64 }),
    ownReads(64, 1, { atLeast: 2 }),
    fioWorkload({ depth: 16, jobs: 4 }),
    ownReads(16, 4, { atLeast: 1.8 }),
    ...[1, 2, 4].map((connections) => ({
      name: `nbdcopy, ${connections === 1 ? '1 connection' : `${connections} connections`}`,
      client: 'nbdcopy',
      target: { atLeast: 1.1 },
      run: async ({ socket, imageBytes }: Place) => nbdcopy(socket, connections, imageBytes),
    })),
    {
      name: 'QD 1 beside bulk reads (fio)',
      client: 'fio',
      requestBytes: BLOCK,
      target: { atLeast: 2.5 },
      run: besideBulk,
    },
  ]);
}

/** Of servers that are written to: the same number of writes for all, so that all store as much. */
export function writeWorkloads(): Workload[] {
  return [
    {
      name: '4 KiB random write, QD 16',
      requestBytes: BLOCK,
      target: { atLeast: 1 },
      run: async (place) => writeAtRandom(place, 16),
    },
    {
      name: '4 KiB random write, QD 1',
      requestBytes: BLOCK,
      run: async (place) => writeAtRandom(place, 1),
    },
    {
      name: '256 KiB sequential write, QD 4',
      run: async ({ socket, imageBytes, seed }) =>
        runLoad({ ...BULK_WRITES, socket, seed, requests: Math.floor(imageBytes / BULK_BYTES) }),
    },
  ];
}

/** Random writes of one run for each second that it may take. */
const WRITES_A_SECOND = 20_000;

async function writeAtRandom({ socket, seed, seconds }: Place, depth: number): Promise<Sample> {
  return runLoad({ ...RANDOM_WRITES, depth, socket, seed: seed + depth, requests: WRITES_A_SECOND * seconds });
}

function fioWorkload({ depth, jobs = 1 }: { depth: number; jobs?: number }, target?: Target): Workload {
  return {
    name: `4 KiB random read, QD ${depth}${jobs === 1 ? '' : ` x ${jobs} connections`} (fio)`,
    client: 'fio',
    requestBytes: BLOCK,
    ...(target !== undefined && { target }),
    run: async ({ socket, imageBytes, seconds }) => fio(socket, { depth, jobs, seconds, bytes: imageBytes }),
  };
}

function ownReads(depth: number, connections: number, target: Target): Workload {
  return {
    name: `4 KiB random read, QD ${depth}${connections === 1 ? '' : ` x ${connections} connections`}`,
    requestBytes: BLOCK,
    target,
    run: async ({ socket, seed, seconds }) => runLoad({ ...randomReads(socket, depth, connections), seed, seconds }),
  };
}

/** Reads of 4 KiB by our own client, without an end. */
export function randomReads(socket: string, depth: number, connections: number): Load {
  const kind = { command: 'read', order: 'random', requestBytes: BLOCK } as const;
  return { socket, ...kind, depth, connections, seed: 1, warmUpSeconds: 0.2 };
}

/** The small reader's rate; the bytes are of both. */
async function besideBulk({ socket, imageBytes, seconds }: Place): Promise<Sample> {
  const bulk = startLoad({ ...BULK_READS, socket, seed: 1 });
  await sleep(BULK_LEAD);
  const small = await fio(socket, { depth: 1, seconds, bytes: imageBytes });
  bulk.stop();
  const beside = await bulk.sample;
  return { ...small, bytes: small.bytes + beside.bytes, besideBytesPerSecond: beside.bytesPerSecond };
}

function installed(workloads: readonly Workload[]): Workload[] {
  return workloads.filter(({ name, client }) => {
    if (client === undefined || has(client)) return true;
    console.error(`${name}: skipped, ${client} is not installed`);
    return false;
  });
}
