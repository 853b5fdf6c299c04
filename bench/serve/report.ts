import { markdown, mebibytes } from '../statistics.ts';
import { OURS } from './contenders.ts';
import { judged, type Target } from './targets.ts';
import { type Cell, medianOf, ratioOf, type Standing } from './tournament.ts';

/** Prints ratios beside the targets, then latencies, processor time and memory. */
export function printStanding(standing: Standing): void {
  console.log(`Rates as ratios to the one of ${standing.reference} in the same round, medians\n`);
  console.log(ratios(standing));
  console.log('\nLatency in microseconds, p50 / p99 / p99.9\n');
  console.log(table(standing, latencies));
  console.log('\nProcessor seconds of the server for a GiB\n');
  console.log(
    table(standing, (cells) =>
      fixed(medianOf(cells, ({ processorSeconds, bytes }) => processorSeconds / (bytes / 2 ** 30))),
    ),
  );
  console.log('\nThe part of the time that our client, of one thread, was busy: near 1 it measures itself\n');
  console.log(table(standing, (cells) => fixed(medianOf(cells, ({ clientBusy }) => clientBusy))));
  console.log('\nResident memory in MiB\n');
  const memory = (when: 'idleBytes' | 'busiestBytes'): string[] =>
    standing.contenders.map((name) => mebibytes(standing.memory[name]?.[when]));
  const rows = [
    ['idle', ...memory('idleBytes')],
    ['at most, under load', ...memory('busiestBytes')],
  ];
  console.log(`${markdown(['', ...standing.contenders], rows)}\n`);
}

/** What a cell of a table shows where nothing was measured. */
const NONE = '-';

type Figure = (cell: Cell) => number | undefined;
type Line = Standing['lines'][number];

const speed: Figure = ({ bytesPerSecond }) => bytesPerSecond;
const beside: Figure = ({ besideBytesPerSecond }) => besideBytesPerSecond;
const tail: Figure = ({ p999 }) => p999;

function ratios(standing: Standing): string {
  const { reference, lines } = standing;
  const rows = lines.flatMap((line) => {
    const { name, requestBytes, target, tailTarget } = line.workload;
    const cells = line.cells[reference];
    const found = [ratioRow(standing, line, [name, rate(medianOf(cells, speed), requestBytes)], speed, target)];
    const bulk = medianOf(cells, beside);
    if (bulk !== undefined) found.push(ratioRow(standing, line, [`${name}: the bulk reader`, rate(bulk)], beside));
    const p999 = medianOf(cells, tail);
    if (tailTarget !== undefined && p999 !== undefined)
      found.push(
        ratioRow(standing, line, [`${name}: p99.9, less is better`, `${p999.toFixed(0)} µs`], tail, tailTarget),
      );
    return found;
  });
  return markdown(['', `${reference} = 1.00`, ...others(standing), 'target', ''], rows);
}

function ratioRow(
  standing: Standing,
  line: Line,
  first: readonly [name: string, absolute: string],
  figure: Figure,
  target?: Target,
): string[] {
  const names = others(standing);
  const values = names.map((name) => ratioOf(line, [name, standing.reference], figure));
  return [...first, ...values.map(fixed), ...judged(values[names.indexOf(OURS)], target)];
}

const others = ({ contenders, reference }: Standing): string[] => contenders.filter((name) => name !== reference);

function rate(bytesPerSecond: number | undefined, requestBytes?: number): string {
  if (bytesPerSecond === undefined) return NONE;
  if (requestBytes === undefined) return `${mebibytes(bytesPerSecond)} MiB/s`;
  return `${(bytesPerSecond / requestBytes / 1000).toFixed(1)} k/s`;
}

/** A row for each workload that has the figure. */
function table({ contenders, lines }: Standing, figure: (cells: readonly Cell[]) => string): string {
  const rows = lines.map(({ workload, cells }) => [
    workload.name,
    ...contenders.map((name) => figure(cells[name] ?? [])),
  ]);
  return markdown(
    ['', ...contenders],
    rows.filter(([, ...cells]) => cells.some((cell) => cell !== NONE)),
  );
}

function latencies(cells: readonly Cell[]): string {
  const percentiles = [medianOf(cells, ({ p50 }) => p50), medianOf(cells, ({ p99 }) => p99), medianOf(cells, tail)];
  return percentiles.includes(undefined) ? NONE : percentiles.map((value) => value?.toFixed(0)).join(' / ');
}

const fixed = (value: number | undefined): string => value?.toFixed(2) ?? NONE;
