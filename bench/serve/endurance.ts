import { setTimeout as sleep } from 'node:timers/promises';
import { syntheticTar } from '../scale/shapes.ts';
import { markdown, mebibytes } from '../statistics.ts';
import { OURS, serve } from './contenders.ts';
import { runLoad, startLoad } from './load.ts';
import { during, type Usage, usage } from './process-usage.ts';
import { readOnce, type Server, startServer } from './server.ts';
import { judged, type Target } from './targets.ts';
import { randomReads } from './workloads.ts';

/** One line of the table: our server at a moment of its life. */
interface Moment {
  readonly name: string;
  readonly residentBytes: number;
  readonly descriptors: number;
  /** Of resident memory, in MiB. */
  readonly target?: Target;
}

/** Resident memory within so many times what it was counts as flat: the collector's timing makes the rest. */
const FLAT = 1.1;
const MEBIBYTE = 2 ** 20;
const CONNECTIONS = 1000;
const CLIENTS = 24;
/** The server notices that a client has gone a little later than the client. */
const SETTLE_MILLISECONDS = 1000;
/** And its processes that have no clients end after a while. */
const WORKERS_END_MILLISECONDS = 7000;

/** Lets our server live through many requests and connections, and prints memory and open files on the way. */
export async function benchEndurance(
  folder: string,
  layer: string,
  cache: string,
  { requests, seconds }: { readonly requests: number; readonly seconds: number },
): Promise<unknown> {
  const server = await startServer(folder, OURS, (socket) => serve(layer, socket, cache));
  try {
    const started = await moment('started', server);
    const requestsBefore = await afterRequests(server, Math.round(requests / 10));
    const requestsAfter = await afterRequests(server, requests);
    const connectionsBefore = await afterConnections(server);
    const connectionsAfter = await afterConnections(server);
    const clients = await withClients(server, seconds);
    const clientsBefore = await moment('without them', server, WORKERS_END_MILLISECONDS);
    const clientsAgain = await withClients(server, seconds);
    const clientsAfter = await moment('without them', server, WORKERS_END_MILLISECONDS);
    const moments = [
      started,
      requestsBefore,
      flatSince(requestsBefore, requestsAfter),
      connectionsBefore,
      flatSince(connectionsBefore, connectionsAfter),
      clients,
      clientsBefore,
      clientsAgain,
      flatSince(clientsBefore, clientsAfter),
    ];
    print(moments);
    return moments;
  } finally {
    await server.stop();
  }
}

async function moment(name: string, { pid }: Server, settleMilliseconds = SETTLE_MILLISECONDS): Promise<Moment> {
  await sleep(settleMilliseconds);
  const { residentBytes, descriptors } = usage(pid);
  return { name, residentBytes, descriptors };
}

async function afterRequests(server: Server, requests: number): Promise<Moment> {
  await runLoad({ ...randomReads(server.socket, 64, 1), requests });
  return moment(`after ${requests.toLocaleString('en')} requests more`, server);
}

async function afterConnections(server: Server): Promise<Moment> {
  for (let i = 0; i < CONNECTIONS; i++) await readOnce(server.socket);
  return moment(`after ${CONNECTIONS} connections more`, server);
}

const flatSince = ({ residentBytes }: Moment, after: Moment): Moment => ({
  ...after,
  target: { atMost: Math.floor((residentBytes / MEBIBYTE) * FLAT) },
});

async function withClients(server: Server, seconds: number): Promise<Moment> {
  const load = startLoad(randomReads(server.socket, 4, CLIENTS));
  let seen: Usage | undefined;
  const { residentBytes } = await during(server.pid, async () => {
    await sleep(seconds * 1000);
    seen = usage(server.pid);
    load.stop();
    await load.sample;
  });
  return { name: `with ${CLIENTS} clients`, residentBytes, descriptors: seen?.descriptors ?? 0 };
}

/** Prints the table; a descriptor more than at the start, with no client there, is a leak. */
function print(moments: readonly Moment[]): void {
  const descriptors = moments[0]?.descriptors ?? 0;
  const rows = moments.map((at) => [
    at.name,
    mebibytes(at.residentBytes),
    ...judged(at.residentBytes / MEBIBYTE, at.target),
    String(at.descriptors),
    ...judged(at.descriptors, at.target && { atMost: descriptors }),
  ]);
  console.log('One blockloom serve\n');
  console.log(`${markdown(['', 'RSS MiB', 'flat', '', 'open files', 'none leaked', ''], rows)}\n`);
}

/** Resident memory by the number of files, and prints the table. */
export async function benchFilesMemory(
  folder: string,
  cache: string,
  { million, seconds }: { readonly million: boolean; readonly seconds: number },
): Promise<unknown> {
  const results: { files: number; idleBytes: number; busiestBytes: number; target: Target }[] = [];
  for (const [files, atMost] of [[100_000, 130] as const, ...(million ? [[1_000_000, 400] as const] : [])]) {
    const tar = syntheticTar(files);
    const server = await startServer(folder, OURS, (socket) => serve(tar, socket, cache));
    try {
      const idleBytes = usage(server.pid).residentBytes;
      const work = async (): Promise<unknown> => runLoad({ ...randomReads(server.socket, 16, 4), seconds });
      const { residentBytes } = await during(server.pid, work);
      results.push({ files, idleBytes, busiestBytes: residentBytes, target: { atMost } });
    } finally {
      await server.stop();
    }
  }
  const rows = results.map(({ files, idleBytes, busiestBytes, target }) => [
    String(files),
    mebibytes(idleBytes),
    mebibytes(busiestBytes),
    ...judged(busiestBytes / MEBIBYTE, target),
  ]);
  console.log('Resident memory in MiB by files served\n');
  console.log(`${markdown(['files', 'idle', 'at most, under load', 'target', ''], rows)}\n`);
  return results;
}
