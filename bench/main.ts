import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { benchBuild } from './build.ts';
import { benchMicro } from './micro.ts';
import { benchScale } from './scale.ts';

const USAGE = `npm run bench -- build [--size ci]   images from files of /usr, beside mke2fs, genext2fs and cp
npm run bench -- scale [--million]   time and memory from 1,000 to 100,000 files, or to a million
npm run bench -- micro [--size ci]   the parts of a build

--rounds COUNT (default 5)   --json FILE: the results, to a file
Inputs and outputs lie in $BLOCKLOOM_BENCH_DIR, default blockloom-bench in the temporary folder.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: 'full' },
    rounds: { type: 'string', default: '5' },
    million: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const size = values.size === 'ci' ? 'ci' : 'full';
const rounds = Number(values.rounds);
const benches: Record<string, () => Promise<unknown>> = {
  build: async () => benchBuild(size, rounds),
  scale: async () => benchScale(values.million, rounds),
  micro: async () => benchMicro(size),
};
const bench = benches[positionals[0] ?? ''];
if (bench === undefined || !(rounds >= 1)) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  const results = await bench();
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
}
