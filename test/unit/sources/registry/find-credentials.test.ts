import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDockerReference } from '../../../../src/sources/registry/docker-reference.ts';
import { type CredentialSearch, findCredentials } from '../../../../src/sources/registry/find-credentials.ts';
import { scratch } from '../../../helpers/scratch.ts';

const REFERENCE = parseDockerReference('//example.com/a');

/** Writes a file in which everybody is `username`. */
function write(path: string, username: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify({ auths: { 'example.com': { username, password: 'p' } } }));
}

async function find(environment: Record<string, string>, authFile?: string): Promise<CredentialSearch> {
  return findCredentials(REFERENCE, { authFile, environment }, undefined);
}

const usernameOf = ({ credentials }: CredentialSearch): string | undefined =>
  credentials?.kind === 'password' ? credentials.username : undefined;

describe('credentials', () => {
  it('are those of the first place that has some', async () => {
    const home = scratch();
    const environment = {
      HOME: home,
      XDG_RUNTIME_DIR: join(home, 'run'),
      XDG_CONFIG_HOME: join(home, 'config'),
      DOCKER_CONFIG: join(home, 'docker'),
    };
    const places = ['run/containers/auth.json', 'config/containers/auth.json', 'docker/config.json'];
    const paths = places.map((place) => join(home, place));
    expect(await find(environment)).toEqual({ credentials: undefined, places: paths });
    for (const path of paths.toReversed()) {
      write(path, path);
      expect(usernameOf(await find(environment))).toBe(path);
    }
    expect((await find(environment)).places).toEqual([paths[0]]);
    write(join(home, 'chosen'), 'chosen');
    expect(usernameOf(await find({ ...environment, REGISTRY_AUTH_FILE: join(home, 'chosen') }))).toBe('chosen');
    write(join(home, 'given'), 'given');
    const both = { ...environment, REGISTRY_AUTH_FILE: join(home, 'chosen') };
    expect(usernameOf(await find(both, join(home, 'given')))).toBe('given');
  });

  it('are in the home directory, unless told', async () => {
    const home = scratch();
    const environment = { HOME: home, XDG_RUNTIME_DIR: home, XDG_CONFIG_HOME: 'relative', DOCKER_CONFIG: '' };
    for (const path of ['.docker/config.json', '.config/containers/auth.json'].map((name) => join(home, name))) {
      write(path, path);
      expect(usernameOf(await find(environment))).toBe(path);
    }
  });

  it('are looked for further where a place is of no use, and that is told', async () => {
    const home = scratch();
    const environment = { HOME: home, XDG_RUNTIME_DIR: home };
    const [runtime, config, docker] = [
      'containers/auth.json',
      '.config/containers/auth.json',
      '.docker/config.json',
    ].map((name) => join(home, name)) as [string, string, string];
    mkdirSync(runtime, { recursive: true });
    write(config, 'x');
    writeFileSync(config, '{');
    expect((await find(environment)).places).toEqual([
      `${runtime}, which cannot be read (EISDIR)`,
      `${config}, which is not JSON`,
      docker,
    ]);
    write(docker, 'docker');
    expect(usernameOf(await find(environment))).toBe('docker');
  });

  it('are not looked for elsewhere when a file was named', async () => {
    const home = scratch();
    write(join(home, '.docker/config.json'), 'docker');
    writeFileSync(join(home, 'empty'), '');
    expect(await find({ HOME: home }, join(home, 'empty'))).toEqual({
      credentials: undefined,
      places: [join(home, 'empty')],
    });
    for (const [name, what] of [
      ['none', 'does not exist'],
      ['.docker', 'cannot be read (EISDIR)'],
    ] as const) {
      await expect(find({ HOME: home }, join(home, name))).rejects.toMatchObject({
        code: 'option-invalid',
        message: `the file of credentials ${join(home, name)} ${what}`,
      });
    }
  });
});
