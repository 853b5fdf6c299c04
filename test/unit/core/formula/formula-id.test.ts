import { describe, expect, it } from 'vitest';
import { parseFormula } from '../../../../src/core/formula/parse-formula.ts';
import { formulaId } from '../../../../src/core/formula/formula-id.ts';
import { sha384 } from '../../../../src/sources/ware/fileset.ts';

const BUSYBASH = 'tar:6q7G4hWr283FpTa5Lf8heVqw9t97b5VoMU6AGszuBYAz9EzQdeHVFAou7c4W9vFcQ6';
const timeOf = (): number => 1_262_304_000;

function idOf(formula: object, context = {}): string {
  const text = JSON.stringify({ formula, context });
  return formulaId(parseFormula(Buffer.from(text), 'x.formula', timeOf).formula, sha384());
}

const MKDIR = {
  inputs: { '/': BUSYBASH },
  action: { exec: ['/bin/mkdir', '-p', '/task/out/beep'] },
  outputs: { '/task/out': { packtype: 'tar' } },
};

describe('the name of a formula', () => {
  it('is the one that Repeatr published', () => {
    expect(idOf(MKDIR)).toBe('9mb9Nixx2M5FoxVJgQtYzn1QvtQdM1TZjZeC4QGSjUCXbHVdAD3v91JWPjZXGkTKD6');
    const hello = { inputs: { '/': BUSYBASH }, action: { exec: ['/bin/echo', 'hello world!'] } };
    expect(idOf(hello)).toBe('AteQchZcX1WATj4rnwsmDf4Gqhe6To4CWLj4j8Ghdjd3Ab4DJ7Abk2tuBfG96jruT');
  });

  it('does not depend on where wares are, nor on what is said again', () => {
    expect(idOf(MKDIR, { fetchUrls: { '/': ['file://x'] }, saveUrls: { '/task/out': 'ca+file://y' } })).toBe(
      idOf(MKDIR),
    );
    const userinfo = { homedir: '/home/reuser', gid: 1000, username: 'reuser', uid: 1000 };
    expect(idOf({ ...MKDIR, action: { ...MKDIR.action, cwd: '/task', userinfo, env: { USER: 'reuser' } } })).toBe(
      idOf(MKDIR),
    );
    const filters = { mtime: '2010-01-01T00:00:00Z', uid: '7' };
    const same = { uid: '7', mtime: '@1262304000' };
    const withFilters = (each: object): object => ({
      ...MKDIR,
      outputs: { '/task/out': { packtype: 'tar', filters: each } },
    });
    expect(idOf(withFilters(filters))).toBe(idOf(withFilters(same)));
  });

  it.each<readonly [string, object]>([
    ['inputs', { ...MKDIR, inputs: { ...MKDIR.inputs, '/x': 'mount:ro:/x' } }],
    ['no outputs', { inputs: MKDIR.inputs, action: MKDIR.action }],
    ['none of outputs', { ...MKDIR, outputs: {} }],
    ['filters', { ...MKDIR, outputs: { '/task/out': { packtype: 'tar', filters: { uid: 'keep' } } } }],
    ['a user', { ...MKDIR, action: { ...MKDIR.action, userinfo: { uid: 0 } } }],
    ['no cradle', { ...MKDIR, action: { ...MKDIR.action, cradle: 'disable' } }],
    ['a host name', { ...MKDIR, action: { ...MKDIR.action, hostname: 'a' } }],
    ['a policy', { ...MKDIR, action: { ...MKDIR.action, policy: 'sysad' } }],
    ['noop', { ...MKDIR, action: { noop: true } }],
  ])('depends on %s', (_, formula) => {
    expect(idOf(formula)).not.toBe(idOf(MKDIR));
  });
});
