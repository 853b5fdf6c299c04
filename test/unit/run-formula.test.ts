import { describe, expect, it } from 'vitest';
import type { FormulaJob, FormulaMachine } from '../../src/formula-machine.ts';
import { parseFormula, runFormula, type RunRecord, warpforgeRecord } from '../../src/index.ts';
import type { TarEntry } from '../helpers/tar-writer.ts';
import { readdirSync } from 'node:fs';
import { sharedScratch } from '../helpers/scratch.ts';
import { wareAt, writeTar } from '../helpers/wares.ts';

const openFiles = (): number => readdirSync('/proc/self/fd').length;
const FLAT = { uid: 1000, gid: 1000, mtime: 1_262_304_000 };
const SYSTEM: readonly TarEntry[] = [
  { name: './', ...FLAT },
  { name: 'bin/', ...FLAT },
  { name: 'bin/busybox', mode: 0o4755, data: '#!', ...FLAT },
  { name: 'bin/true', type: 'symlink', linkName: '/bin/busybox', ...FLAT },
  { name: 'out/', ...FLAT },
  { name: 'out/a', data: 'a', ...FLAT },
];
const OUT: readonly TarEntry[] = [
  { name: './', ...FLAT },
  { name: 'a', data: 'a', ...FLAT },
];

/** A machine that runs nothing, and what it was asked to run. */
function idleMachine(exitCode = 0): { machine: FormulaMachine; jobs: FormulaJob[] } {
  const jobs: FormulaJob[] = [];
  const machine: FormulaMachine = async (job) => {
    jobs.push(job);
    return { exitCode, disk: job.image, close: () => undefined };
  };
  return { machine, jobs };
}

interface Case {
  readonly action: object;
  readonly inputs?: object;
  readonly outputs?: object;
  /** Whether it is in Warpforge's form. */
  readonly isWarpforge?: boolean;
}

const folder = sharedScratch();
const tar = writeTar(folder, 'system.tar', SYSTEM);

async function run({ action, inputs, outputs, isWarpforge }: Case, machine?: FormulaMachine): Promise<RunRecord> {
  const ware = await wareAt(tar);
  const repeatr = {
    formula: { inputs: { '/': ware }, action, outputs: outputs ?? {} },
    context: { fetchUrls: { '/': [`file://${tar}`] } },
  };
  const warpforge = {
    formula: { 'formula.v1': { inputs: inputs ?? { '/': `ware:${ware}` }, action, outputs: outputs ?? {} } },
    context: { 'context.v1': { warehouses: { [ware]: `file://${tar}` } } },
  };
  const text = JSON.stringify(isWarpforge === true ? warpforge : repeatr);
  const { formula, context } = parseFormula(Buffer.from(text), 'x', () => undefined);
  return runFormula(formula, context, machine, { cache: false, free: 2 ** 20 });
}

describe('a formula on a machine of somebody else', () => {
  it('is one job, whose disk the outputs are read from', async () => {
    const before = openFiles();
    const { machine, jobs } = idleMachine(7);
    const action = { exec: ['/bin/true', 'x'], cwd: '/out', hostname: 'here', env: { A: 'b' }, userinfo: { uid: 5 } };
    const record = await run({ action, outputs: { '/out': { packtype: 'tar' }, '/no': { packtype: 'zip' } } }, machine);
    const { argv, env, cwd, uid, gid, hostname } = jobs[0]!;
    expect([jobs.length, argv, env.get('A'), cwd, uid, gid, hostname]).toEqual([
      1,
      ['/bin/true', 'x'],
      'b',
      '/out',
      5,
      1000,
      'here',
    ]);
    expect(record.exitCode).toBe(7);
    expect(record.results).toEqual({ '/no': 'zip:-', '/out': await wareAt(writeTar(folder, 'out.tar', OUT)) });
    expect(openFiles()).toBe(before);
  });

  it('may be in the form of Warpforge, whose outputs have names, and whose inputs have filters', async () => {
    const { machine, jobs } = idleMachine();
    const inputs = { '/': { basis: `ware:${await wareAt(tar)}`, filters: { setid: 'ignore' } }, $A: 'literal:b' };
    const filters = { uid: '1000', gid: '1000' };
    const record = await run(
      {
        isWarpforge: true,
        inputs,
        action: { exec: { command: ['true'] } },
        outputs: { made: { from: '/out', filters }, again: { from: '/out', filters } },
      },
      machine,
    );
    const { uid, gid, hostname, cwd } = jobs[0]!;
    expect([uid, gid, hostname, cwd]).toEqual([0, 0, undefined, '/']);
    const made = await wareAt(writeTar(folder, 'out.tar', OUT));
    expect(warpforgeRecord(record)).toEqual({
      guid: record.guid,
      time: record.time,
      formulaID: expect.stringMatching(/^zM5K3/),
      exitcode: 0,
      results: { again: `ware:${made}`, made: `ware:${made}` },
    });
  });

  it.each<readonly [string, string, Case]>([
    ['formula-invalid', 'neither noop nor', { action: { echo: {} }, isWarpforge: true }],
    ['formula-invalid', 'the network', { action: { exec: { command: ['a'], network: true } }, isWarpforge: true }],
    ['ware-filtered', 'a set-id bit', { action: { exec: { command: ['a'] } }, isWarpforge: true }],
    ['job-invalid', '"/bin/none" is not there', { action: { exec: ['/bin/none'] } }],
    ['job-invalid', '"/bin" is not there, or is no file', { action: { exec: ['/bin'] } }],
    ['job-invalid', '"true" is no absolute path', { action: { exec: ['true'] } }],
    ['job-invalid', '"/none" is not there', { action: { exec: ['/bin/true'], cwd: '/none', cradle: 'disable' } }],
    [
      'pack-invalid',
      '/out/a is no directory',
      { action: { exec: ['/bin/true'] }, outputs: { '/out/a': { packtype: 'tar' } } },
    ],
  ])('fails with %s: %s', async (code, message, given) => {
    const before = openFiles();
    const failure: unknown = await run(given, idleMachine().machine).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(openFiles()).toBe(before);
  });

  it('needs one for a command', async () => {
    await expect(run({ action: { exec: ['/bin/true'] } })).rejects.toThrow('no machine to run it');
    await expect(run({ action: { noop: true } })).resolves.toMatchObject({ exitCode: 0 });
  });

  it('fails as the machine does, and leaves nothing open', async () => {
    const before = openFiles();
    const broken: FormulaMachine = async () => Promise.reject(new Error('it burns'));
    await expect(run({ action: { exec: ['/bin/true'] } }, broken)).rejects.toThrow('it burns');
    expect(openFiles()).toBe(before);
  });
});
