import { describe, expect, it } from 'vitest';
import { commandArguments, guestCommand } from '../../../../src/core/guest/command.ts';

const USER = { uid: 0, gid: 0, groups: [], home: '/root' };
const EXECUTION = {
  user: '',
  env: ['A=1', 'PATH=/x', 'A=2'],
  entrypoint: ['/run', '-x'],
  cmd: ['a', 'b'],
  workingDir: '/srv',
};

describe('the arguments of a command', () => {
  it.each([
    [EXECUTION, { command: [], env: [] }, ['/run', '-x', 'a', 'b']],
    [EXECUTION, { command: ['c'], env: [] }, ['/run', '-x', 'c']],
    [EXECUTION, { command: ['c'], entrypoint: '/sh', env: [] }, ['/sh', 'c']],
    [EXECUTION, { command: [], entrypoint: '/sh', env: [] }, ['/sh']],
    [EXECUTION, { command: ['c'], entrypoint: '', env: [] }, ['c']],
    [EXECUTION, { command: [], entrypoint: '', env: [] }, []],
    [{ ...EXECUTION, entrypoint: [] }, { command: ['c'], env: [] }, ['c']],
    [undefined, { command: [], env: [] }, []],
  ])('are those of the configuration and the command line', (execution, options, expected) => {
    expect(commandArguments(execution, options)).toEqual(expected);
  });
});

describe('what a command runs with', () => {
  it('has one value of each variable, the command line last', () => {
    const options = { command: [], env: ['B=3', 'A=4=5'] };
    const { env, workingDir } = guestCommand(EXECUTION, options, USER, { TERM: 'linux' });
    expect(env).toEqual(['PATH=/x', 'HOME=/root', 'TERM=linux', 'A=4=5', 'B=3']);
    expect(workingDir).toBe('/srv');
  });

  it('has defaults without a configuration', () => {
    const { env, workingDir } = guestCommand(undefined, { command: ['id'], env: [] }, USER, {});
    expect(env).toEqual(['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root']);
    expect(workingDir).toBe('/');
  });

  it('is refused where its program cannot be named', () => {
    for (const command of [[''], ['a=b']])
      expect(() => guestCommand(undefined, { command, env: [] }, USER, {})).toThrow('is no program');
  });
});
