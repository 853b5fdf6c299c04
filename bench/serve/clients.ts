import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Sample } from './load.ts';

/** A client that takes so many milliseconds is stuck. */
const LIMIT = 120_000;

const execute = async (program: string, args: readonly string[]): Promise<{ stdout: string }> =>
  promisify(execFile)(program, args, { timeout: LIMIT, killSignal: 'SIGKILL' });

const uri = (socket: string): string => `nbd+unix:///?socket=${socket}`;

interface FioReport {
  readonly jobs: readonly [
    {
      readonly read: {
        readonly io_bytes: number;
        readonly bw_bytes: number;
        readonly clat_ns: { readonly percentile: Readonly<Record<string, number>> };
      };
    },
  ];
}

/** fio reading 4 KiB at random through libnbd, a connection and a thread for each job. */
export async function fio(
  socket: string,
  { depth, jobs = 1, seconds, bytes }: { depth: number; jobs?: number; seconds: number; bytes: number },
): Promise<Sample> {
  const work = `--rw=randread --bs=4k --size=${bytes} --iodepth=${depth} --numjobs=${jobs} --thread --norandommap`;
  const report = `--time_based --runtime=${seconds * 1000}ms --group_reporting --output-format=json`;
  const engine = ['--name=read', '--ioengine=nbd', `--uri=${uri(socket)}`];
  const { stdout } = await execute('fio', [...engine, ...work.split(' '), ...report.split(' ')]);
  // Its nbd engine talks before the report.
  const { read } = (JSON.parse(stdout.slice(stdout.indexOf('{'))) as FioReport).jobs[0];
  const percentile = (name: string): number => (read.clat_ns.percentile[name] ?? Number.NaN) / 1000;
  return {
    bytes: read.io_bytes,
    bytesPerSecond: read.bw_bytes,
    p50: percentile('50.000000'),
    p99: percentile('99.000000'),
    p999: percentile('99.900000'),
  };
}

/** nbdcopy of a whole image to nowhere, its start included. */
export async function nbdcopy(socket: string, connections: number, imageBytes: number): Promise<Sample> {
  const start = performance.now();
  await execute('nbdcopy', [`--connections=${connections}`, uri(socket), 'null:']);
  return { bytes: imageBytes, bytesPerSecond: imageBytes / ((performance.now() - start) / 1000) };
}

/** Copies the image into a server that is empty. */
export async function fill(socket: string, image: string): Promise<void> {
  await execute('nbdcopy', [image, uri(socket)]);
}
