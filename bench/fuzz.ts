import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { damage, FUZZED_SHAPES, makeFuzzedImage, readTolerantly } from '../test/helpers/ext4-fuzz.ts';
import { FUZZED_DISKS, fuzzDisk, makeFuzzedDisk } from '../test/helpers/disk-fuzz.ts';
import { FUZZED_FATS, makeFuzzedFat, readFatTolerantly } from '../test/helpers/fat-fuzz.ts';
import { fuzzConversation, fuzzInput, reproducer, tryInput } from '../test/helpers/nbd-fuzz.ts';
import { makeTar } from '../test/helpers/tar-writer.ts';
import { type Size, workFolder } from './input.ts';
import { blockloom } from './subjects.ts';

/** BLOCKLOOM_SEED=7 for other inputs, and BLOCKLOOM_INPUT=123 for one of those in memory. */
const SEED = Number(process.env['BLOCKLOOM_SEED'] ?? Date.now() % 1_000_000);
const ONLY = process.env['BLOCKLOOM_INPUT'];

/** How many inputs each way takes: in memory, to a process of their own, and to one process that serves all; damaged filesystems. */
const COUNTS = {
  full: { memory: 1_000_000, stdio: 200, socket: 20_000, filesystems: 100_000, fats: 30_000, disks: 100_000 },
  ci: { memory: 20_000, stdio: 4, socket: 500, filesystems: 2000, fats: 900, disks: 3000 },
} as const;

/** How long reading a small damaged filesystem may take, in milliseconds. */
const READING_PATIENCE = 5000;

/** How long a server may take to end the conversation with a client that has said everything, in milliseconds. */
const PATIENCE = 20_000;

/** Inputs at the same time, for a server in a process. */
const PARALLEL = 8;

/**
 * Random and damaged conversations with the NBD server, and damaged filesystems for the reader. Throws with what finds the first
 * that goes wrong again.
 */
export async function benchFuzz(size: Size): Promise<unknown> {
  console.log(`seed ${SEED}`);
  if (ONLY !== undefined) {
    const input = fuzzInput(SEED, Number(ONLY));
    console.log(reproducer(input));
    console.log(await tryInput(input));
    return {};
  }
  const folder = join(workFolder(), 'fuzz');
  mkdirSync(folder, { recursive: true });
  const layer = join(folder, 'layer.tar');
  writeFileSync(layer, makeTar([{ name: 'data', data: new Uint8Array(1 << 20).fill(7) }]));
  try {
    const { memory, stdio, socket, filesystems, fats, disks } = COUNTS[size];
    return {
      seed: SEED,
      memory: await timed('in memory', memory, fuzzMemory),
      stdio: await timed('at standard input and output', stdio, async (count) => fuzzStdio(layer, count)),
      socket: await timed('over a socket', socket, async (count) => fuzzSocket(layer, join(folder, 'sock'), count)),
      filesystems: await timed('of damaged filesystems', filesystems, async (count) => fuzzReader(folder, count)),
      fats: await timed('of damaged FAT filesystems', fats, async (count) => fuzzFat(folder, count)),
      disks: await timed('of damaged partition tables', disks, fuzzDisks),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Prints how fast it went. */
async function timed(where: string, count: number, fuzz: (count: number) => Promise<void>): Promise<number> {
  const began = performance.now();
  await fuzz(count);
  const perSecond = Math.round((count / (performance.now() - began)) * 1000);
  console.log(`${count} inputs ${where}: ${perSecond} inputs/s`);
  return perSecond;
}

/** An equal share for each kind of filesystem. */
async function fuzzReader(folder: string, count: number): Promise<void> {
  for (const [name, options] of FUZZED_SHAPES) {
    const directory = join(folder, name);
    mkdirSync(directory);
    const image = makeFuzzedImage(directory, options);
    for (let index = 0; index < count / FUZZED_SHAPES.length; index++) {
      const { damaged, undo } = damage(image, SEED + index);
      const began = performance.now();
      try {
        readTolerantly(damaged);
      } catch (error) {
        throw new Error(`${name}, seed ${SEED + index}`, { cause: error });
      }
      if (performance.now() - began > READING_PATIENCE) throw new Error(`${name}, seed ${SEED + index}: too slow`);
      undo();
    }
  }
}

/** The same for each kind of FAT. */
async function fuzzFat(folder: string, count: number): Promise<void> {
  for (const [name, options] of FUZZED_FATS) {
    const image = await makeFuzzedFat(folder, options);
    for (let index = 0; index < count / FUZZED_FATS.length; index++) {
      const { damaged, undo } = damage(image, SEED + index);
      const began = performance.now();
      try {
        readFatTolerantly(damaged);
      } catch (error) {
        throw new Error(`${name}, seed ${SEED + index}`, { cause: error });
      }
      if (performance.now() - began > READING_PATIENCE) throw new Error(`${name}, seed ${SEED + index}: too slow`);
      undo();
    }
  }
}

/** The same for each kind of partition table. */
async function fuzzDisks(count: number): Promise<void> {
  for (const kind of FUZZED_DISKS) {
    const image = makeFuzzedDisk(kind);
    for (let index = 0; index < count / FUZZED_DISKS.length; index++) {
      try {
        fuzzDisk(image, kind === 'gpt', SEED + index);
      } catch (error) {
        throw new Error(`${kind}, seed ${SEED + index}`, { cause: error });
      }
    }
  }
}

async function fuzzMemory(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const input = fuzzInput(SEED, index);
    await tryInput(input).catch((error: unknown) => {
      throw new Error(reproducer(input), { cause: error });
    });
  }
}

/** A process for each input, which must end with success, in time and without a stack trace. */
async function fuzzStdio(layer: string, count: number): Promise<void> {
  await inParallel(count, async (index) => {
    const said = fuzzConversation(SEED, index);
    const child = start([layer, '--stdio'], 'pipe');
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(said);
    child.stdout?.resume();
    const { status, complaints } = await endOf(child);
    if (status !== 0 || /^\s+at /m.test(complaints))
      throw new Error(`ended with ${status} after ${said.toString('hex')}: ${complaints}`);
  });
}

/** One process for all inputs, which must close each connection in time and end with success. */
async function fuzzSocket(layer: string, path: string, count: number): Promise<void> {
  const child = start([layer, '--socket', path], 'ignore');
  const end = endOf(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  try {
    await inParallel(count, async (index) => {
      const said = fuzzConversation(SEED, index);
      await conversation(path, said).catch((error: unknown) => {
        throw new Error(said.toString('hex'), { cause: error });
      });
    });
  } finally {
    child.kill('SIGTERM');
  }
  const { status, complaints } = await end;
  if (status !== 0 || /^\s+at /m.test(complaints)) throw new Error(`ended with ${status}: ${complaints}`);
}

/** Says everything, and waits until the server has closed. */
async function conversation(path: string, said: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect(path, () => socket.end(said));
    socket.setTimeout(PATIENCE, () => reject(new Error('the server did not close')));
    socket.resume();
    // A server that closes with something unread resets the connection.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => resolve());
  });
}

function start(args: readonly string[], stdin: 'pipe' | 'ignore'): ChildProcess {
  const [program = '', ...main] = blockloom;
  return spawn(program, [...main, 'serve', '--no-cache', ...args], { stdio: [stdin, 'pipe', 'pipe'] });
}

async function endOf(child: ChildProcess): Promise<{ status: number | null; complaints: string }> {
  let complaints = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { status, complaints };
}

async function inParallel(count: number, act: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}
