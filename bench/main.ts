import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { benchBuild } from './build.ts';
import { benchFuzz } from './fuzz.ts';
import { benchGuest } from './guest/bench-guest.ts';
import { benchMicro } from './micro.ts';
import { benchPlacement } from './placement/bench-placement.ts';
import { benchScale } from './scale/bench-scale.ts';
import { benchServe } from './serve/bench-serve.ts';

const USAGE = `npm run bench -- build [--size ci]   images from files of /usr, beside mke2fs, genext2fs and cp
npm run bench -- scale [--million]   time and memory from 1,000 to 100,000 files, or to a million;
                                     of one directory, of 100 layers, of a terabyte
npm run bench -- micro [--size ci]   the parts of a build
npm run bench -- serve [--quick] [--million] [--requests COUNT] [--only PART]
                                     the live image over NBD, beside nbdkit and qemu-nbd
                                     parts: reads, writes, first-block, endurance, files
npm run bench -- placement [--size ci]   what a change of layers changes in blocks and chunks, beside mke2fs
npm run bench -- guest [--size ci] [--quick] [--kernel FILE] [--accel auto|kvm|tcg]
                                     a guest's boot and reads over NBD, beside a file, vhost-user and 9p
npm run bench -- fuzz [--size ci]    a million damaged conversations with the NBD server,
                                     100,000 damaged filesystems for the reader

--rounds COUNT (default 5, 3 of scale and when quick)   --json FILE: the results, to a file
Inputs and outputs lie in $BLOCKLOOM_BENCH_DIR, default blockloom-bench in the temporary folder.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: 'full' },
    rounds: { type: 'string' },
    million: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    requests: { type: 'string' },
    only: { type: 'string' },
    kernel: { type: 'string' },
    accel: { type: 'string', default: 'auto' },
    json: { type: 'string' },
  },
});
const size = values.size === 'ci' ? 'ci' : 'full';
const { quick, million, only } = values;
const rounds = Number(values.rounds ?? (quick || positionals[0] === 'scale' ? 3 : 5));
const requests = Number(values.requests ?? (quick ? 500_000 : 10_000_000));
const benches: Record<string, () => Promise<unknown>> = {
  build: async () => benchBuild(size, rounds),
  scale: async () => benchScale(million, rounds),
  micro: async () => benchMicro(size),
  serve: async () => benchServe({ size, rounds, quick, million, requests, only }),
  placement: async () => benchPlacement(size),
  guest: async () =>
    benchGuest({ size, rounds: quick ? 1 : rounds, kernel: values.kernel, accelerator: accelerator() }),
  fuzz: async () => benchFuzz(size),
};
function accelerator(): 'auto' | 'kvm' | 'tcg' {
  return values.accel === 'kvm' || values.accel === 'tcg' ? values.accel : 'auto';
}
const bench = benches[positionals[0] ?? ''];
if (bench === undefined || !(rounds >= 1) || !(requests >= 10)) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  const results = await bench();
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
}
