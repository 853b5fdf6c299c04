import { host } from '../host.ts';
import { hasTime } from '../run.ts';
import { judged, type Target } from '../serve/targets.ts';
import { exponent, markdown, mebibytes } from '../statistics.ts';
import { type Shape, shapes, syntheticTar } from './shapes.ts';
import { type Cost, type Costs, measureShape, WORK, type Work } from './work.ts';

interface Scale {
  readonly files: number;
  readonly costs: Costs;
}

/** How a cost is shown. */
interface Column {
  readonly name: string;
  readonly key: keyof Cost;
  readonly text: (value: number) => string;
}

const milliseconds = (value: number): string => value.toFixed(0);
const COLUMNS: readonly Column[] = [
  { name: 'ms', key: 'milliseconds', text: milliseconds },
  { name: 'processor ms', key: 'processorMilliseconds', text: milliseconds },
  { name: 'RSS MiB', key: 'residentBytes', text: mebibytes },
];

const MEBIBYTE = 2 ** 20;
/** What a million files are meant to take. */
const MILLION_TARGETS: readonly (readonly [work: Work, key: keyof Cost, what: string, target: Target])[] = [
  ['plan, nothing cached', 'milliseconds', 'ms until they are planned', { atMost: 10_000 }],
  ['plan', 'milliseconds', 'ms until they are planned, from a cached index', { atMost: 1500 }],
  ['first block', 'milliseconds', 'ms from the start of serve until the first block', { atMost: 2000 }],
  ['first block', 'residentBytes', 'MiB of serve', { atMost: 400 }],
];
const EXPONENT_TARGET: Target = { atMost: 1.1 };
/** With fewer files the start of the program is nearly all that is measured. */
const FITTED_FROM = 10_000;

/** Measures images of ever more files, how what they take grows with their number, and images of other large shapes. */
export async function benchScale(million: boolean, rounds: number): Promise<unknown> {
  if (process.platform !== 'linux') throw new Error('bench scale reads /proc, which only Linux has');
  if (!hasTime) console.error('memory and processor time: not measured, /usr/bin/time is not installed');
  const scales: Scale[] = [];
  for (const files of [1, 1_000, 10_000, 100_000, ...(million ? [1_000_000] : [])]) {
    scales.push({ files, costs: await measureShape({ name: '', layers: [syntheticTar(files)] }, rounds) });
    console.error(`measured ${files} files`);
  }
  console.log(`files, a hundred in a directory, medians of ${rounds} rounds\n`);
  for (const column of COLUMNS) printScales(scales, column);
  if (million) printTargets(scales.at(-1)!.costs);
  const others: { shape: Shape; costs: Costs }[] = [];
  for (const shape of shapes(million)) {
    others.push({ shape, costs: await measureShape(shape, 1) });
    console.error(`measured ${shape.name}`);
  }
  console.log('Other shapes, measured once: ms, and the most memory of all\n');
  printShapes(others);
  return {
    rounds,
    host: host(),
    scales,
    exponents: Object.fromEntries(COLUMNS.map(({ key }) => [key, exponentsOf(scales, key)])),
    shapes: others.map(({ shape, costs }) => ({ name: shape.name, costs })),
  };
}

function printScales(scales: readonly Scale[], { name, key, text }: Column): void {
  const rows = scales.map(({ files, costs }) => [
    files.toLocaleString('en'),
    ...WORK.map((work) => text(costs[work]?.[key] ?? Number.NaN)),
  ]);
  const exponents = exponentsOf(scales, key);
  const fitted = ['exponent', ...WORK.map((work) => exponents[work].toFixed(2))];
  const verdicts = ['at most 1.1', ...WORK.map((work) => judged(exponents[work], EXPONENT_TARGET)[1])];
  console.log(`${markdown([`files: ${name}`, ...WORK], [...rows, fitted, verdicts])}\n`);
}

/** By work: the k of c·files^k that fits best what is taken above what one file takes, which is the program's start. */
function exponentsOf(scales: readonly Scale[], key: keyof Cost): Record<Work, number> {
  const fit = (work: Work): number => {
    const start = scales[0]?.costs[work]?.[key] ?? 0;
    const points = scales
      .filter(({ files }) => files >= FITTED_FROM)
      .map(({ files, costs }) => [files, (costs[work]?.[key] ?? Number.NaN) - start] as const);
    return exponent(points.filter(([, above]) => above > 0));
  };
  return Object.fromEntries(WORK.map((work) => [work, fit(work)])) as Record<Work, number>;
}

function printTargets(costs: Costs): void {
  const rows = MILLION_TARGETS.map(([work, key, what, target]) => {
    const value = (costs[work]?.[key] ?? Number.NaN) / (key === 'residentBytes' ? MEBIBYTE : 1);
    return [what, value.toFixed(0), ...judged(value, target)];
  });
  console.log(`${markdown(['a million files', '', 'target', ''], rows)}\n`);
}

function printShapes(others: readonly { readonly shape: Shape; readonly costs: Costs }[]): void {
  const rows = others.map(({ shape, costs }) => {
    const times = WORK.map((work) => costs[work]?.milliseconds.toFixed(0) ?? '-');
    const resident = Math.max(...Object.values(costs).map(({ residentBytes }) => residentBytes));
    return [shape.name, ...times, mebibytes(resident)];
  });
  console.log(markdown(['', ...WORK, 'RSS MiB'], rows));
}
