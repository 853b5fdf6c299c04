import { syntheticTar, workFolder } from './input.ts';
import { run } from './run.ts';
import { exponent, markdown, mebibytes, median } from './statistics.ts';
import { blockloom } from './subjects.ts';

interface Scale {
  readonly files: number;
  readonly planMilliseconds: number;
  readonly hashMilliseconds: number;
  readonly planBytes: number | undefined;
  readonly hashBytes: number | undefined;
}

/** Plans and hashes images of ever more files, and fits how time grows with their number. */
export async function benchScale(million: boolean, rounds: number): Promise<unknown> {
  const scales: Scale[] = [];
  for (const files of [1_000, 10_000, 100_000, ...(million ? [1_000_000] : [])]) {
    scales.push(measureScale(files, await syntheticTar(files), rounds));
  }
  const rows = scales.map(({ files, planMilliseconds, hashMilliseconds, planBytes, hashBytes }) => [
    String(files),
    planMilliseconds.toFixed(0),
    hashMilliseconds.toFixed(0),
    mebibytes(planBytes),
    mebibytes(hashBytes),
  ]);
  console.log(markdown(['files', 'plan ms', 'hash ms', 'plan RSS MiB', 'hash RSS MiB'], rows));
  // Below ten thousand files what is measured is the start of the program.
  const large = scales.filter(({ files }) => files >= 10_000);
  const exponents = {
    plan: exponent(large.map(({ files, planMilliseconds }) => [files, planMilliseconds])),
    hash: exponent(large.map(({ files, hashMilliseconds }) => [files, hashMilliseconds])),
  };
  console.log(
    `\nfrom 10,000 files on time grows with files^${exponents.plan.toFixed(2)} (plan), files^${exponents.hash.toFixed(2)} (hash)`,
  );
  return { rounds, scales, exponents };
}

/** `plan` is scan, merge and layout within the process; `hash` is the whole run. */
function measureScale(files: number, tar: string, rounds: number): Scale {
  const folder = workFolder();
  const plans = Array.from({ length: rounds }, () =>
    run(folder, [...blockloom, 'measure', '--json', '--no-cache', tar]),
  );
  const hashes = Array.from({ length: rounds }, () => run(folder, [...blockloom, 'hash', '--no-cache', tar]));
  const planned = plans.map(({ stdout }) => (JSON.parse(stdout) as { readonly milliseconds: number }).milliseconds);
  return {
    files,
    planMilliseconds: median(planned),
    hashMilliseconds: median(hashes.map(({ milliseconds }) => milliseconds)),
    planBytes: plans[0]?.residentBytes,
    hashBytes: hashes[0]?.residentBytes,
  };
}
