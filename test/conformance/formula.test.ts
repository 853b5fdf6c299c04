import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blockloom, output } from '../helpers/cli.ts';
import { canStartGuests, debianKernel } from '../helpers/guest.ts';
import { scratch } from '../helpers/scratch.ts';
import { requireTools, skipped } from '../helpers/tools.ts';
import { VECTORS, wareAt, writeTar } from '../helpers/wares.ts';

const areGuestsPossible = canStartGuests() && requireTools('busybox');
const MACHINE = ['--accel', 'tcg', '--cpus', '1', '--memory', '256M'];
const { ware: BEEP } = VECTORS['what mkdir -p /task/out/beep makes']!;

/** Where somebody put the wares that Repeatr tests with, beside this repository. */
const UPSTREAM = join(import.meta.dirname, '../../../shared/fixtures/rio/busybash.tgz');
const BUSYBASH = 'tar:6q7G4hWr283FpTa5Lf8heVqw9t97b5VoMU6AGszuBYAz9EzQdeHVFAou7c4W9vFcQ6';

interface Record_ {
  readonly formulaID: string;
  readonly exitCode: number;
  readonly results: Readonly<Record<string, string>>;
}

/** Writes a formula of one ware with one command, whose output is /task/out. */
function writeFormula(cwd: string, ware: string, source: string, exec: readonly string[]): void {
  const outputs = { '/none': { packtype: 'zip' }, '/task/out': { packtype: 'tar' } };
  const formula = { inputs: { '/': ware }, action: { exec, env: { WORD: "it's" }, hostname: 'here' }, outputs };
  const context = { fetchUrls: { '/': [source] }, saveUrls: { '/task/out': 'file://./out.tgz' } };
  writeFileSync(join(cwd, 'a.formula'), JSON.stringify({ formula, context }));
}

describe.skipIf(!areGuestsPossible)('a command of a formula', () => {
  it('runs as its user, and what it made is packed whatever its status is', { timeout: 120_000 }, async () => {
    const cwd = scratch();
    const tar = writeTar(cwd, 'system.tar', [
      { name: './' },
      { name: 'bin/' },
      { name: 'bin/busybox', mode: 0o755, data: readFileSync('/bin/busybox') },
      ...['sh', 'id', 'mkdir', 'hostname'].map(
        (name) => ({ name: `bin/${name}`, type: 'symlink', linkName: 'busybox' }) as const,
      ),
    ]);
    const script = 'id -u; id -g; pwd; echo "$USER $HOME $WORD"; hostname; mkdir -p out/beep; exit 3';
    writeFormula(cwd, await wareAt(tar), 'file://./system.tar', ['/bin/sh', '-c', script]);
    const run = blockloom(['formula', 'run', 'a.formula', ...MACHINE, '--kernel', debianKernel()], { cwd });
    expect([run.stderr, run.status]).toEqual(["1000\n1000\n/task\nreuser /home/reuser it's\nhere\n", 32]);
    const { exitCode, results } = JSON.parse(run.stdout) as Record_;
    expect([exitCode, results]).toEqual([3, { '/none': 'zip:-', '/task/out': BEEP }]);
    expect(await wareAt(join(cwd, 'out.tgz'))).toBe(BEEP);
  });
});

describe.skipIf(!areGuestsPossible)("a script of a formula in Warpforge's form", () => {
  it('runs as root, with literals as its environment, and twice gives the same', { timeout: 240_000 }, async () => {
    const cwd = scratch();
    const tar = writeTar(cwd, 'system.tar', [
      { name: './' },
      { name: 'bin/' },
      { name: 'bin/busybox', mode: 0o755, data: readFileSync('/bin/busybox') },
      { name: 'bin/sh', type: 'symlink', linkName: 'busybox' },
    ]);
    const ware = await wareAt(tar);
    const contents = ['WORD="$GREETING"', 'echo "$WORD" $(id -u) $PWD', 'mkdir -p /out/beep', '[ "$WORD" = "it\'s" ]'];
    const formula = {
      inputs: { '/': `ware:${ware}`, $GREETING: "literal:it's", $PATH: 'literal:/nowhere:/bin' },
      action: { script: { interpreter: 'sh', contents } },
      outputs: { made: { from: '/out', filters: { uid: '1000', gid: '1000' } }, none: { from: '/none' } },
    };
    const context = { warehouses: { [ware]: 'file://./system.tar' } };
    const capsules = { formula: { 'formula.v1': formula }, context: { 'context.v1': context } };
    writeFileSync(join(cwd, 'a.wf'), JSON.stringify(capsules));
    for (const _ of ['first', 'second']) {
      const run = blockloom(['formula', 'run', 'a.wf', ...MACHINE, '--kernel', debianKernel()], { cwd });
      expect([run.stderr, run.status]).toEqual(["it's 0 /\n", 0]);
      const { guid, time, ...rest } = JSON.parse(run.stdout) as Record<string, unknown>;
      expect([guid, time]).toEqual([expect.any(String), expect.any(Number)]);
      expect(rest).toEqual({
        formulaID: output(['formula', 'id', 'a.wf'], { cwd }),
        exitcode: 0,
        results: { made: `ware:${BEEP}`, none: 'ware:tar:-' },
      });
    }
  });
});

const isMissing = !existsSync(UPSTREAM);
describe.skipIf(skipped(isMissing, 'busybash.tgz is not in ../shared/fixtures/rio') || !areGuestsPossible)(
  "the example of Repeatr's documentation",
  () => {
    it('has the result that stands there', { timeout: 120_000 }, () => {
      const cwd = scratch();
      const formula = {
        inputs: { '/': BUSYBASH },
        action: { exec: ['/bin/mkdir', '-p', '/task/out/beep'] },
        outputs: { '/task/out': { packtype: 'tar' } },
      };
      const context = { fetchUrls: { '/': [`file://${UPSTREAM}`] } };
      writeFileSync(join(cwd, 'a.formula'), JSON.stringify({ formula, context }));
      const record = output(['formula', 'run', 'a.formula', ...MACHINE, '--kernel', debianKernel()], { cwd });
      expect(JSON.parse(record)).toMatchObject({
        formulaID: '9mb9Nixx2M5FoxVJgQtYzn1QvtQdM1TZjZeC4QGSjUCXbHVdAD3v91JWPjZXGkTKD6',
        exitCode: 0,
        results: { '/task/out': BEEP },
      });
    });
  },
);
