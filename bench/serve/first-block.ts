import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Input } from '../input.ts';
import { has, run } from '../run.ts';
import { markdown, median } from '../statistics.ts';
import { filesystemMakers } from '../subjects.ts';
import { rotated } from '../turns.ts';
import { nbdkit, qemuNbd, serve } from './contenders.ts';
import { startServer } from './server.ts';
import { judged, type Target } from './targets.ts';

/** A way from files to a served block. */
interface Way {
  readonly name: string;
  /** Before the clock starts. */
  readonly prepare?: () => void;
  /** Work before the server starts, which counts. Milliseconds. */
  readonly before?: () => number;
  readonly command: (socket: string) => readonly string[];
  /** Milliseconds. */
  readonly target?: Target;
  /** Why it cannot be measured here. */
  readonly missing?: string | undefined;
}

/** Measures the time from the start of a process until a client has the first 4 KiB of an image, and prints the table. */
export async function benchFirstBlock(folder: string, input: Input, rounds: number): Promise<unknown> {
  const measured = ways(folder, input).filter(({ name, missing }) => {
    if (missing !== undefined) console.error(`${name}: skipped, ${missing}`);
    return missing === undefined;
  });
  const times = new Map<string, number[]>(measured.map(({ name }) => [name, []]));
  // One round that does not count fills the page cache and our cache.
  for (let round = 0; round <= rounds; round++) {
    for (const way of rotated(measured, round)) {
      const milliseconds = await measureWay(folder, way);
      if (round > 0) times.get(way.name)?.push(milliseconds);
    }
  }
  const results = measured.map(({ name, target }) => ({ name, target, milliseconds: times.get(name) ?? [] }));
  const rows = results.map(({ name, target, milliseconds }) => [
    name,
    median(milliseconds).toFixed(0),
    `${Math.min(...milliseconds).toFixed(0)}-${Math.max(...milliseconds).toFixed(0)}`,
    ...judged(median(milliseconds), target),
  ]);
  console.log(`From the start to the first block at a client, ${input.entries} entries\n`);
  console.log(`${markdown(['', 'ms', 'range', 'target', ''], rows)}\n`);
  return results;
}

async function measureWay(folder: string, { prepare, before, command }: Way): Promise<number> {
  prepare?.();
  const made = before?.() ?? 0;
  const server = await startServer(folder, 'first-block', command);
  await server.stop();
  return made + server.firstBlockMilliseconds;
}

function ways(folder: string, input: Input): Way[] {
  const warm = join(folder, 'cache-warm');
  const cold = join(folder, 'cache-cold');
  const image = join(folder, 'peer.img');
  const mke2fs = has('mke2fs') ? (filesystemMakers(folder, input, image)['mke2fs -d DIRECTORY'] ?? []) : undefined;
  return [
    { name: 'blockloom serve TAR', command: (socket) => serve(input.tar, socket, warm), target: { atMost: 150 } },
    {
      name: 'blockloom serve TAR, nothing cached',
      prepare: () => rmSync(cold, { recursive: true, force: true }),
      command: (socket) => serve(input.tar, socket, cold),
      target: { atMost: 450 },
    },
    {
      name: 'nbdkit linuxdisk DIRECTORY',
      command: (socket) => nbdkit(socket, 'linuxdisk', input.directory),
      missing: hasLinuxdisk() ? undefined : 'nbdkit has no linuxdisk plugin',
    },
    {
      name: 'mke2fs -d DIRECTORY, then qemu-nbd',
      prepare: () => rmSync(image, { force: true }),
      before: () => run(folder, mke2fs ?? []).milliseconds,
      command: (socket) => [...qemuNbd(socket), '--read-only', image],
      missing: mke2fs !== undefined && has('qemu-nbd') ? undefined : 'mke2fs or qemu-nbd is not installed',
    },
  ];
}

function hasLinuxdisk(): boolean {
  return spawnSync('nbdkit', ['--dump-plugin', 'linuxdisk']).status === 0;
}
