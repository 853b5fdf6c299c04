import { spawnSync } from 'node:child_process';
import { host } from './host.ts';
import { type Input, type Size, usrInput, workFolder } from './input.ts';
import { hasTime, type Run } from './run.ts';
import { markdown, mebibytes, median } from './statistics.ts';
import { subjects, type Subject } from './subjects.ts';
import { rotated } from './turns.ts';

/** The medians of one subject's runs. */
interface Result {
  readonly name: string;
  readonly milliseconds: number;
  /** The fastest and the slowest run. */
  readonly range: readonly [number, number];
  readonly processorMilliseconds: number | undefined;
  readonly residentBytes: number | undefined;
  readonly allocatedBytes: number | undefined;
}

/** Measures all subjects in turns, `rounds` times after one that does not count, and prints the table. */
export async function benchBuild(size: Size, rounds: number): Promise<unknown> {
  const input = await usrInput(size);
  if (!hasTime) console.error('memory and processor time: skipped, /usr/bin/time is not installed');
  const measured = subjects(workFolder(), input);
  const runs = new Map<string, Run[]>(measured.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const subject of rotated(measured, round)) {
      const result = await measureOne(subject);
      if (round > 0) runs.get(subject.name)?.push(result);
    }
    console.error(round === 0 ? 'warmed up' : `round ${round} of ${rounds}`);
  }
  const results = measured.map(({ name }) => summary(name, runs.get(name) ?? []));
  print(input, rounds, results);
  return { input: { entries: input.entries, bytes: input.bytes }, rounds, host: host(), results };
}

async function measureOne({ prepare, measure }: Subject): Promise<Run> {
  prepare?.();
  // What other runs wrote is not this one's to wait for.
  spawnSync('sync');
  return measure();
}

function summary(name: string, runs: readonly Run[]): Result {
  const times = runs.map(({ milliseconds }) => milliseconds);
  const processor = runs.map(
    ({ userMilliseconds = 0, systemMilliseconds = 0 }) => userMilliseconds + systemMilliseconds,
  );
  const medianOf = (key: 'residentBytes' | 'allocatedBytes'): number | undefined => {
    const values = runs.map((run) => run[key]).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : median(values);
  };
  return {
    name,
    milliseconds: median(times),
    range: [Math.min(...times), Math.max(...times)],
    processorMilliseconds: runs[0]?.userMilliseconds === undefined ? undefined : median(processor),
    residentBytes: medianOf('residentBytes'),
    allocatedBytes: medianOf('allocatedBytes'),
  };
}

function print(input: Input, rounds: number, results: readonly Result[]): void {
  const timeOf = (name: string): number => results.find((result) => result.name === name)?.milliseconds ?? Number.NaN;
  const references = ['mke2fs -d DIRECTORY', 'cp TAR, then sync', 'cp TAR'];
  const rows = results.map(({ name, milliseconds, range, processorMilliseconds, residentBytes, allocatedBytes }) => [
    name,
    milliseconds.toFixed(0),
    `${range[0].toFixed(0)}-${range[1].toFixed(0)}`,
    processorMilliseconds?.toFixed(0) ?? '-',
    ...references.map((reference) => ratio(milliseconds, timeOf(reference))),
    mebibytes(residentBytes),
    mebibytes(allocatedBytes),
  ]);
  const header = ['', 'ms', 'range', 'CPU ms', '/ mke2fs', '/ cp, sync', '/ cp', 'RSS MiB', 'on disk MiB'];
  console.log(`${input.entries} entries, a tar of ${mebibytes(input.bytes)} MiB, medians of ${rounds} rounds\n`);
  console.log(markdown(header, rows));
  const speed = input.bytes / 1e6 / timeOf('hash TAR');
  console.log(`\nhash reads ${speed.toFixed(2)} GB of layer a second, the start of the program included`);
}

function ratio(value: number, reference: number): string {
  return Number.isNaN(reference) ? '-' : (value / reference).toFixed(2);
}
