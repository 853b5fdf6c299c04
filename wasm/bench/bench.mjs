// Medians of the kernels beside their twins in TypeScript: `npm run bench --workspace ext2fs-wasm`.
import { crc32c, dirHash, dirHashes, HashVersion } from 'ext2fs-wasm';
import { Bench } from 'tinybench';
import { crc32c as twinCrc32c } from '../dist/twin/crc32c.js';
import { dirHash as twinDirHash } from '../dist/twin/dirhash.js';

const NAMES = 100_000;
const seed = Uint32Array.of(1, 2, 3, 4);
const encoder = new TextEncoder();
const names = Array.from({ length: NAMES }, (_, i) =>
  encoder.encode(`lib-${((i * 2654435761) >>> 0).toString(36)}.so`),
);
const ends = new Uint32Array(NAMES);
for (let i = 0, end = 0; i < NAMES; i++) ends[i] = end += names[i].length;
const arena = new Uint8Array(Buffer.concat(names));
const hashes = new Uint32Array(2 * NAMES);

/** `calls` are made in one measured run: the clock cannot see one of a few nanoseconds. */
function checksum(label, length) {
  const calls = Math.max(1, Math.floor(2 ** 20 / (length + 1024)));
  const bytes = Uint8Array.from({ length }, (_, i) => i * 7 + (i >>> 8));
  const repeat = (run) => () => {
    let crc = 0xffffffff;
    for (let i = 0; i < calls; i++) crc = run(crc, bytes);
    return crc;
  };
  return { label: `crc32c, ${label}`, calls, wasm: repeat(crc32c), twin: repeat(twinCrc32c) };
}

function hashing(label, version) {
  const each = (run) => () => {
    let sum = 0;
    for (const name of names) sum ^= run(name, version, seed).hash;
    return sum;
  };
  const plain = each(twinDirHash);
  const bulk = () => dirHashes(arena, ends, version, seed, hashes);
  return [
    { label: `dirHashes, a name, ${label}`, calls: NAMES, wasm: bulk, twin: plain },
    { label: `dirHash, a name, ${label}`, calls: NAMES, wasm: each(dirHash), twin: plain },
  ];
}

const cases = [
  checksum('4 B', 4),
  checksum('64 B', 64),
  checksum('256 B', 256),
  checksum('4 KiB', 4096),
  checksum('1 MiB', 2 ** 20),
  ...hashing('half_md4_unsigned', HashVersion.half_md4_unsigned),
  ...hashing('tea_unsigned', HashVersion.tea_unsigned),
  ...hashing('legacy_unsigned', HashVersion.legacy_unsigned),
];

console.log('| median of one | wasm, ns | twin, ns | twin / wasm |\n|---|---:|---:|---:|');
for (const { label, calls, wasm, twin } of cases) {
  const bench = new Bench({ time: 300, warmupTime: 100 }).add('wasm', wasm).add('twin', twin);
  await bench.run();
  const [ours, theirs] = bench.tasks.map(({ result }) => (result.latency.p50 * 1e6) / calls);
  console.log(`| ${label} | ${ours.toFixed(1)} | ${theirs.toFixed(1)} | ${(theirs / ours).toFixed(2)} |`);
}
