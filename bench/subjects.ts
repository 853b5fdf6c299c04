import { execPath } from 'node:process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Input } from './input.ts';
import { has, type Run, run } from './run.ts';

/** One thing that is measured: what happens before the clock starts, and what it measures. */
export interface Subject {
  readonly name: string;
  readonly prepare?: () => void;
  readonly measure: () => Run | Promise<Run>;
}

export const blockloom = [execPath, fileURLToPath(new URL('../bundle/cli/main.js', import.meta.url))];

/** Everything that `bench build` measures on one input, in the order of its table. */
export function subjects(folder: string, input: Input): Subject[] {
  return [...ours(folder, input), ...peers(folder, input)];
}

function ours(folder: string, input: Input): Subject[] {
  const cold = join(folder, 'cache-cold');
  const warm = join(folder, 'cache-warm');
  const image = join(folder, 'blockloom.img');
  const build = (layer: string, ...options: string[]): Run =>
    run(folder, [...blockloom, 'build', layer, '-o', image, ...options], image);
  const remove = (): void => rmSync(image, { force: true });
  return [
    { name: 'build TAR', prepare: remove, measure: () => build(input.tar, '--cache', warm) },
    { name: 'build TAR, nothing cached', prepare: remove, measure: () => build(input.tar, '--no-cache') },
    {
      name: 'build TAR.GZ, nothing cached',
      prepare: () => {
        remove();
        rmSync(cold, { recursive: true, force: true });
      },
      measure: () => build(input.gzip, '--cache', cold),
    },
    { name: 'build TAR.GZ', prepare: remove, measure: () => build(input.gzip, '--cache', warm) },
    { name: 'build DIRECTORY', prepare: remove, measure: () => build(input.directory) },
    { name: 'hash TAR', measure: () => run(folder, [...blockloom, 'hash', input.tar, '--cache', warm]) },
    {
      name: 'hash TAR, fs-verity',
      measure: () => run(folder, [...blockloom, 'hash', input.tar, '--algorithm', 'fsverity', '--cache', warm]),
    },
    { name: 'node, doing nothing', measure: () => run(folder, [execPath, '--eval', '0']) },
  ];
}

/** mke2fs syncs its image as build does, genext2fs and cp do not: cp is measured with a sync, too. */
function peers(folder: string, input: Input): Subject[] {
  const copy = join(folder, 'copy.tar');
  const remove = (): void => rmSync(copy, { force: true });
  const cp = ['cp', input.tar, copy];
  return [
    ...filesystemPeers(folder, input),
    {
      name: 'cp TAR, then sync',
      prepare: remove,
      measure: () => run(folder, ['sh', '-c', `${cp.join(' ')} && sync ${copy}`], copy),
    },
    { name: 'cp TAR', prepare: remove, measure: () => run(folder, cp, copy) },
  ];
}

/** The command lines of programs that make a filesystem of a directory, with as much room as it needs. */
export function filesystemMakers(folder: string, input: Input, image: string): Record<string, readonly string[]> {
  const size = JSON.parse(run(folder, [...blockloom, 'measure', '--json', '--no-cache', input.tar]).stdout) as {
    readonly blocks: number;
    readonly inodesUsed: number;
  };
  const blocks = String(Math.ceil(size.blocks * 1.1));
  const inodes = String(Math.ceil(size.inodesUsed * 1.1));
  const mke2fs = ['mke2fs', '-q', '-F', '-t', 'ext4', '-b', '4096', '-O', '^has_journal,^resize_inode', '-m', '0'];
  const genext2fs = ['genext2fs', '-B', '4096', '-b', blocks, '-N', inodes, '-d', input.directory, image];
  return {
    'mke2fs -d DIRECTORY': [...mke2fs, '-N', inodes, '-d', input.directory, image, blocks],
    'genext2fs -d DIRECTORY': genext2fs,
  };
}

function filesystemPeers(folder: string, input: Input): Subject[] {
  const image = join(folder, 'peer.img');
  const remove = (): void => rmSync(image, { force: true });
  return Object.entries(filesystemMakers(folder, input, image)).flatMap(([name, command]) => {
    const [program = ''] = command;
    if (has(program)) return [{ name, prepare: remove, measure: () => run(folder, command, image) }];
    console.error(`${name}: skipped, ${program} is not installed`);
    return [];
  });
}
