import { describe, expect, it } from 'vitest';
import { parseExecution } from '../../../../src/core/oci/execution.ts';

const parse = (value: unknown): unknown => parseExecution(Buffer.from(JSON.stringify(value)), 'c');
const NOTHING = { user: '', env: [], entrypoint: [], cmd: [], workingDir: '' };

describe('parseExecution', () => {
  it('reads what a configuration says of its program', () => {
    const config = { User: 'web', Env: ['A=b', 'nothing', '=x'], Entrypoint: ['/run'], Cmd: null, WorkingDir: '/srv' };
    expect(parse({ config })).toEqual({ user: 'web', env: ['A=b'], entrypoint: ['/run'], cmd: [], workingDir: '/srv' });
  });

  it('takes what is not there for nothing', () => {
    for (const value of [{}, { config: null }, { config: {} }]) expect(parse(value)).toEqual(NOTHING);
  });

  it.each([
    [{ Cmd: 'sh' }, 'c, config.Cmd: "sh", expected an array'],
    [{ Env: [1] }, 'c, config.Env[0]'],
    [{ User: 5 }, 'c, config.User'],
    [{ Entrypoint: ['a\0b'] }, 'expected no NUL'],
  ])('refuses %j', (config, message) => {
    expect(() => parse({ config })).toThrow(message);
  });
});
