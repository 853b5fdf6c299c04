import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dirHash, HashVersion } from '../index.ts';

const missing = spawnSync('debugfs', ['-V']).error !== undefined;

/** Every length to 255, every character debugfs can be given as one word. */
const names = Array.from({ length: 255 }, (_name, n) =>
  Uint8Array.from({ length: n + 1 }, (_character, i) => {
    const character = 0x30 + ((n * 31 + i * (n + 7)) % 0xd0);
    return character === 0x7f ? 0x61 : character;
  }),
);
const seeds = ['00000000-0000-0000-0000-000000000000', '01020304-8586-8788-090a-fbfcfdfeff10'];

function seedWords(uuid: string): Uint32Array {
  const bytes = new DataView(Uint8Array.from(Buffer.from(uuid.replaceAll('-', ''), 'hex')).buffer);
  return Uint32Array.from({ length: 4 }, (_, i) => bytes.getUint32(4 * i, true));
}

/** What `debugfs dx_hash` prints for every name. It takes versions by number, and knows no reserved hash. */
function debugfsHashes(version: HashVersion, seed: string): [string, string][] {
  const folder = mkdtempSync(join(tmpdir(), 'dirhash-'));
  try {
    const commands = join(folder, 'commands');
    const lines = names.map((name) => `dx_hash -h ${version} -s ${seed} ${Buffer.from(name).toString('latin1')}\n`);
    writeFileSync(commands, lines.join(''), 'latin1');
    const { stdout } = spawnSync('debugfs', ['-f', commands], {
      encoding: 'latin1',
      env: { ...process.env, LC_ALL: 'C' },
    });
    return Array.from(stdout.matchAll(/^Hash of .* is (0x[0-9a-f]+) \(minor (0x[0-9a-f]+)\)$/gm), ([, hash, minor]) => [
      hash!,
      minor!,
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test
  .skipIf(missing)
  .each(Object.entries(HashVersion).flatMap(([label, version]) => seeds.map((seed) => ({ label, version, seed }))))(
  `debugfs agrees: $label, seed $seed${missing ? ' (skipped: no debugfs here)' : ''}`,
  ({ version, seed }) => {
    const ours = names.map((name) => {
      const { hash, minorHash } = dirHash(name, version, seedWords(seed));
      return [`0x${hash.toString(16)}`, `0x${minorHash.toString(16)}`];
    });
    expect(debugfsHashes(version, seed)).toEqual(ours);
  },
);
