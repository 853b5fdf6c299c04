import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Formula, FormulaContext } from '../../../../src/core/formula/formula.ts';
import { formulaId } from '../../../../src/core/formula/formula-id.ts';
import { parseFormula } from '../../../../src/core/formula/parse-formula.ts';
import { sha384 } from '../../../../src/sources/ware/fileset.ts';

const WARE = 'tar:4z9DCTxoKkStqXQRwtf9nimpfQQ36dbndDsAPCQgECfbXt3edanUrsVKCjE9TkX2v9';

function parse(formula: object, context?: object): { formula: Formula; context: FormulaContext } {
  const capsules = { formula: { 'formula.v1': formula }, context: context && { 'context.v1': context } };
  return parseFormula(Buffer.from(JSON.stringify(capsules)), 'x.wf', () => undefined);
}

const INPUTS = { '/': `ware:${WARE}` };
const exec = (...command: readonly string[]): object => ({ exec: { command } });
const HELLO = { inputs: INPUTS, action: exec('/bin/sh', '-c', 'echo hello from warpforge!'), outputs: {} };
const OUTPUTS = { test: { from: '/out', packtype: 'tar' } };
const CONTENTS = [
  "MESSAGE='hello, this is a script action'",
  'echo $MESSAGE',
  'mkdir /out && echo $MESSAGE > /out/log',
  'echo done!',
];

describe('a formula.v1', () => {
  /** examples/110-formula-usage of github.com/warptools/warpforge. */
  it.each<readonly [string, object]>([
    ['zM5K3Zz8R3ioVVWZ6o6GocxPKvubAJfv4iQmDH3GCq9UjtDjHtRWrry4DRoEBPvfUEYFx1D', HELLO],
    [
      'zM5K3Su1Nwvz8MsCVct3FWzuJN922CFxoLB4KCXNQJPDC8NCmWaB1Ao32DwiyDjzRLhEiep',
      {
        inputs: INPUTS,
        action: exec('/bin/sh', '-c', 'mkdir /out; echo hello from warpforge! > /out/test'),
        outputs: OUTPUTS,
      },
    ],
    [
      'zM5K3WPjAehei8Z2gZaknSfvkF9bhDTnLuozSjj3uoBUyYGrkjkckLNyTMU2xaKZwn6vkAB',
      { inputs: { ...INPUTS, '/work': 'mount:overlay:.' }, action: exec('/bin/sh', '-c', 'ls -al /work'), outputs: {} },
    ],
    [
      'zM5K3TrdW6z58mTzH5b8DGqMkm4Bxnx9YtMomAJpvFYdmkz1mcpyY5fw2cxvjzCoNTRFH5c',
      { ...HELLO, inputs: { '/': { basis: INPUTS['/'], filters: { setid: 'ignore' } } } },
    ],
    [
      'zM5K3Xv31xGHCtyjFXjV4kNvdMoXCdamJq5t7DvHhSuKomTuQ85QampAi4kayHuA7sRbWNh',
      { inputs: INPUTS, action: { script: { interpreter: '/bin/sh', contents: CONTENTS } }, outputs: OUTPUTS },
    ],
  ])('has the name that Warpforge gives it, %s', (name, formula) => {
    expect(formulaId(parse(formula).formula, sha384())).toBe(name);
  });

  it('says in other words what one of Repeatr says', () => {
    const { formula, context } = parse(
      {
        inputs: {
          $PATH: 'literal:/bin:/x',
          $EMPTY: 'literal:',
          '/': `ware:${WARE}`,
          '/x': { basis: 'ware:zip:a', filters: { uid: '7', setid: 'keep', mtime: 'follow' } },
        },
        action: { exec: { command: ['sh'], network: true } },
        outputs: { a: { from: '/out' }, b: { from: '/out', packtype: 'zip', filters: { gid: 'keep' } } },
      },
      { warehouses: { [WARE]: 'ca+file://./wares' } },
    );
    const filters = { uid: 0, gid: 0, mtime: 'keep', sticky: 'keep', setid: 'reject', dev: 'reject' };
    expect([...formula.inputs!]).toEqual([
      ['/', { ware: WARE, filters }],
      ['/x', { ware: 'zip:a', filters: { ...filters, uid: 7, setid: 'keep' } }],
    ]);
    expect(formula.action).toEqual({
      exec: ['sh'],
      network: true,
      cwd: '/',
      env: new Map([
        ['PATH', '/bin:/x'],
        ['TERM', 'xterm'],
        ['EMPTY', ''],
      ]),
      userinfo: { uid: 0, gid: 0 },
      cradle: 'disable',
    });
    const flat = { ...filters, mtime: 1_262_304_000 };
    expect([...formula.outputs!]).toEqual([
      ['a', { path: '/out', type: 'tar', filters: flat }],
      ['b', { path: '/out', type: 'zip', filters: { ...flat, gid: 'keep' } }],
    ]);
    expect([...context.fetchUrls]).toEqual([
      ['/', ['ca+file://./wares']],
      ['/x', []],
    ]);
  });

  it('has a script whose parts one shell reads one by one', () => {
    const contents = ['A="it\'s"', 'echo "$A', ' here"', 'exit 3', 'echo no'];
    const { action } = parse({
      inputs: {},
      action: { script: { interpreter: '/bin/sh', contents: contents.slice(0, 1) } },
      outputs: {},
    }).formula;
    expect(action.exec).toEqual(['/bin/sh', '-c', `eval 'A="it'\\''s"'\n`]);
    const whole = parse({
      inputs: {},
      action: { script: { interpreter: '/bin/sh', contents: ['A="it\'s"', 'echo "$A"', 'false', 'echo end'] } },
      outputs: {},
    }).formula.action.exec!;
    expect(execFileSync(whole[0]!, whole.slice(1)).toString()).toBe("it's\nend\n");
  });

  it.each<readonly [object, string]>([
    [{ action: exec(), outputs: {} }, 'formula.v1.inputs: nothing, expected an object'],
    [{ inputs: {}, action: exec() }, 'formula.v1.outputs: nothing, expected an object'],
    [{ inputs: {}, outputs: {} }, 'formula.v1.action: nothing'],
    [{ ...HELLO, more: 1 }, '"more", expected only inputs, action, outputs'],
    [{ ...HELLO, inputs: { x: 'ware:tar:a' } }, '"x", expected an absolute path'],
    [{ ...HELLO, inputs: { '/': 'literal:a' } }, '"literal:a", expected ware:TYPE:HASH or mount:MODE:PATH'],
    [{ ...HELLO, inputs: { '/': 'catalog:a:b:c' } }, 'expected ware:TYPE:HASH or mount:MODE:PATH'],
    [{ ...HELLO, inputs: { $A: 'ware:tar:a' } }, 'expected literal:TEXT'],
    [{ ...HELLO, inputs: { $: 'literal:a' } }, '"", expected a variable'],
    [{ ...HELLO, inputs: { '/': { basis: 'ware:tar:a' } } }, 'filters: nothing, expected an object'],
    [{ ...HELLO, inputs: { '/': { basis: 'ware:tar:a', filters: { demo: 'x' } } } }, 'filter "demo"'],
    [{ ...HELLO, action: {} }, 'expected one of exec, script, echo'],
    [{ ...HELLO, action: { echo: {}, ...exec() } }, 'expected one of exec, script, echo'],
    [{ ...HELLO, action: { noop: {} } }, '"noop", expected only exec, script, echo'],
    [{ ...HELLO, action: { exec: {} } }, 'command: nothing, expected an array'],
    [{ ...HELLO, action: { script: { interpreter: '/bin/sh' } } }, 'contents: nothing, expected an array'],
    [
      { ...HELLO, action: { script: { interpreter: '/bin/sh', contents: ['#'.repeat(2 ** 17)] } } },
      'expected at most 131071 bytes',
    ],
    [{ ...HELLO, outputs: { a: { from: '$A' } } }, '"$A", expected an absolute path'],
    [{ ...HELLO, outputs: { a: { from: '/a', packtype: 'git' } } }, 'the pack type is none of'],
  ])('is not %j', (formula, message) => {
    expect(() => parse(formula)).toThrow(message);
  });

  it('has no null, and no second capsule', () => {
    const { formula } = parse({ ...HELLO, outputs: { a: { from: '/a', packtype: null } } });
    expect(() => formulaId(formula, sha384())).toThrow('null, which no formula.v1 has');
    const text = JSON.stringify({ formula: { 'formula.v1': HELLO, inputs: {} } });
    expect(() => parseFormula(Buffer.from(text), 'x', () => undefined)).toThrow('"inputs", expected only formula.v1');
    expect(() => parse(HELLO, { fetchUrls: {} })).toThrow('"fetchUrls", expected only warehouses');
  });
});
