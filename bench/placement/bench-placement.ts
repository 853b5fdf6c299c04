import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { untar } from '../../test/helpers/debian.ts';
import { type Size, workFolder } from '../input.ts';
import { has, run } from '../run.ts';
import { markdown, median } from '../statistics.ts';
import { blockloom } from '../subjects.ts';
import { countNew, type NewContent, type NewUnits } from './count-new.ts';
import { makePairs, type Pair } from './pairs.ts';

interface Result extends NewContent {
  readonly pair: string;
  readonly maker: string;
}

/** Makes both images of a pair; returns their paths. */
type Maker = (pair: Pair, folder: string) => readonly [before: string, after: string];

/** Counts what is new in the second image of each pair, and prints the table. */
export async function benchPlacement(size: Size): Promise<unknown> {
  const pairs = await makePairs(size);
  const folder = join(workFolder(), 'placement-images');
  const makers: Record<string, Maker> = { stable: ours('stable'), compact: ours('compact') };
  if (has('mke2fs') && has('rsync')) makers['mke2fs -d'] = mke2fs;
  else console.error('mke2fs -d: skipped, mke2fs or rsync is not installed');
  const results: Result[] = [];
  for (const pair of pairs) {
    for (const [maker, make] of Object.entries(makers)) {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      const content = countNew(...make(pair, folder));
      results.push({ pair: pair.name, maker, ...content });
    }
    console.error(pair.name);
  }
  rmSync(folder, { recursive: true, force: true });
  print(results, Object.keys(makers));
  return { size, results };
}

const ours =
  (placement: string): Maker =>
  ({ before, after }, folder) => [
    build(before, placement, join(folder, 'before')),
    build(after, placement, join(folder, 'after')),
  ];

function build(layers: readonly string[], placement: string, image: string): string {
  run(workFolder(), [...blockloom, 'build', ...layers, '--placement', placement, '--no-cache', '-o', image]);
  return image;
}

/**
 * As kindly as can be: a size with room, one UUID and hash seed, and one tree in which only what differs is replaced, since
 * mke2fs keeps the times of inodes.
 */
const mke2fs: Maker = ({ before, after }, folder) => {
  const tree = join(folder, 'tree');
  const next = join(folder, 'next');
  const make = (layers: readonly string[], name: string): string => {
    unpack(layers, next);
    run(folder, ['rsync', '-aHAX', '--checksum', '--delete', `${next}/`, tree]);
    rmSync(next, { recursive: true });
    const seed = '6d2f8a52-1f0c-4b0e-9f43-5d3a2b1c0d9e';
    const options = ['-q', '-F', '-t', 'ext4', '-b', '4096', '-O', '^has_journal,^resize_inode', '-m', '0'];
    const image = join(folder, name);
    run(folder, ['mke2fs', ...options, '-U', seed, '-E', `hash_seed=${seed}`, '-d', tree, image, '1G']);
    return image;
  };
  // What is read for the first time gets another time of access.
  make(before, 'before');
  return [make(before, 'before'), make(after, 'after')];
};

function unpack(layers: readonly string[], tree: string): void {
  mkdirSync(tree);
  for (const layer of layers) untar(layer, tree);
}

function print(results: readonly Result[], makers: readonly string[]): void {
  const header = ['', 'placement', 'chunks', 'new', '%', 'in place', 'blocks', 'new', '%', 'in place'];
  const rows = results.map(({ pair, maker, chunks, blocks }) => [pair, maker, ...cells(chunks), ...cells(blocks)]);
  console.log(markdown(header, rows));
  for (const maker of makers) {
    const shares = results.filter((result) => result.maker === maker).map(({ chunks }) => share(chunks));
    const mean = shares.reduce((sum, each) => sum + each, 0) / shares.length;
    console.log(`\n${maker}: new chunks, mean ${mean.toFixed(1)} %, median ${median(shares).toFixed(1)} %`);
  }
}

function cells(units: NewUnits): string[] {
  return [String(units.count), String(units.nowhere), share(units).toFixed(2), String(units.moved)];
}

const share = ({ count, nowhere }: NewUnits): number => (100 * nowhere) / count;
