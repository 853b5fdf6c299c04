import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileInto } from '../helpers/compiled.ts';
import { scratch } from '../helpers/scratch.ts';
import { makeTar } from '../helpers/tar-writer.ts';

const tar = makeTar([{ name: 'file', data: Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * i) >> 9) }]);
const gzip = gzipSync(tar);
const PROGRAM = `
import { openLayers } from './src/sources/open-layers.js';
const [cache, ...references] = process.argv.slice(2);
const { layers: [layer] } = await openLayers(references, { cache, onWarning: console.error });
console.log(layer.diffId, layer.index.count);
layer.blob.close();
`;

let compiled = '';
beforeAll(() => {
  compiled = mkdtempSync(join(tmpdir(), 'blockloom-compiled-'));
  compileInto(compiled, 'src/sources/open-layers.ts');
  writeFileSync(join(compiled, 'open.js'), PROGRAM);
});
afterAll(() => rmSync(compiled, { recursive: true, force: true }));

function start(cache: string, reference: string): ChildProcess {
  return spawn(process.execPath, [join(compiled, 'open.js'), cache, reference], { stdio: ['pipe', 'pipe', 'pipe'] });
}

async function outcome(child: ChildProcess): Promise<{ status: unknown; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr?.on('data', (chunk) => (stderr += String(chunk)));
  const [status] = await once(child, 'close');
  return { status, stdout, stderr };
}

const filesIn = (path: string): string[] => (existsSync(path) ? readdirSync(path) : []);

describe('the store between processes', () => {
  it('serves several at once', async () => {
    const cache = join(scratch(), 'cache');
    const path = join(scratch(), 'a.tar.gz');
    writeFileSync(path, gzip);
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => outcome(start(cache, path))));
    for (const { status, stdout, stderr } of outcomes) {
      expect(stderr).toBe('');
      expect(stdout).toMatch(/^sha256:[0-9a-f]{64} 1\n$/);
      expect(status).toBe(0);
    }
    expect(filesIn(join(cache, 'staging'))).toEqual([]);
    const [blob = ''] = filesIn(join(cache, 'blobs/sha256'));
    expect(outcomes[0]?.stdout).toContain(blob);
    expect(Buffer.compare(readFileSync(join(cache, 'blobs/sha256', blob)), tar)).toBe(0);
  });

  it('survives one that is killed in the middle', async () => {
    const cache = scratch();
    const killed = start(cache, '-');
    killed.stdin?.on('error', () => undefined);
    killed.stdin?.write(gzip.subarray(0, gzip.length >> 1));
    const staging = join(cache, 'staging');
    for (let i = 0; i < 500 && filesIn(staging).length === 0; i++) await sleep(10);
    const [left = ''] = filesIn(staging);
    expect(left).not.toBe('');
    killed.kill('SIGKILL');
    await once(killed, 'close');
    expect(filesIn(staging)).toEqual([left]);
    expect(filesIn(join(cache, 'blobs/sha256'))).toEqual([]);

    utimesSync(join(staging, left), 1, 1);
    const again = start(cache, '-');
    again.stdin?.end(gzip);
    expect(await outcome(again)).toMatchObject({ status: 0, stderr: '' });
    expect(filesIn(staging)).toEqual([]);
    expect(filesIn(join(cache, 'blobs/sha256'))).toHaveLength(1);
  });
});
