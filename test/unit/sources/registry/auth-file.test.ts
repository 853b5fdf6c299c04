import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authEntriesOf } from '../../../../src/sources/registry/auth-file.ts';
import { parseDockerReference } from '../../../../src/sources/registry/docker-reference.ts';

const auth = (pair: string): { auth: string } => ({ auth: Buffer.from(pair).toString('base64') });
const entries = (file: object, name: string): unknown =>
  authEntriesOf(JSON.stringify(file), parseDockerReference(name));
const password = (username: string, secret: string): object => ({ kind: 'password', username, password: secret });

describe('an auth file', () => {
  it('has credentials by host, and the longest name counts', () => {
    const auths = {
      'example.com': auth('host:1'),
      'example.com/a': auth('a:2'),
      'example.com/a/b': auth('b:3'),
      'example.com/a/bc': auth('no:4'),
    };
    expect(entries({ auths }, '//example.com/x')).toEqual([password('host', '1')]);
    expect(entries({ auths }, '//example.com/a/x')).toEqual([password('a', '2')]);
    expect(entries({ auths }, '//example.com/a/b/x:tag')).toEqual([password('b', '3')]);
    expect(entries({ auths }, '//example.com/a/b')).toEqual([password('b', '3')]);
    expect(entries({ auths }, '//example.com:443/a')).toEqual([]);
    expect(entries({ auths }, '//example.co/a')).toEqual([]);
    expect(entries({ auths }, '//sub.example.com/a')).toEqual([]);
  });

  it.each(['https://index.docker.io/v1/', 'index.docker.io', 'docker.io', 'registry-1.docker.io', 'docker.io/library'])(
    'has those of Docker Hub under %s',
    (key) => {
      expect(entries({ auths: { [key]: auth('me:secret') } }, '//debian')).toEqual([password('me', 'secret')]);
    },
  );

  it.each(['https://example.com:5000/v2/', 'http://example.com:5000', 'HTTPS://example.com:5000/'])(
    'has those of a host under its address %s',
    (key) => {
      expect(entries({ auths: { [key]: auth('me:secret') } }, '//example.com:5000/a')).toEqual([
        password('me', 'secret'),
      ]);
    },
  );

  it('has passwords and tokens in several forms', () => {
    const of = (entry: object): unknown => entries({ auths: { 'example.com': entry } }, '//example.com/a');
    expect(of(auth('me:a:b'))).toEqual([password('me', 'a:b')]);
    expect(of(auth('me:padded\0\0'))).toEqual([password('me', 'padded')]);
    expect(of({ username: 'me', password: 'secret' })).toEqual([password('me', 'secret')]);
    expect(of({ ...auth('me:x'), identitytoken: 't' })).toEqual([{ kind: 'identity-token', token: 't' }]);
    expect(of({ registrytoken: 't' })).toEqual([{ kind: 'registry-token', token: 't' }]);
    for (const entry of [{}, auth(''), auth('nocolon'), auth(':x'), { auth: 5 }, { username: 'me' }, [], null])
      expect(of(entry as object)).toEqual([]);
  });

  it('names helpers: of a host, before what the file has; of all, after it', () => {
    const file = {
      auths: { 'docker.io': auth('me:secret'), 'example.com': {} },
      credHelpers: { 'docker.io': 'hub', 'example.com': 'own' },
      credsStore: 'desktop',
    };
    const server = 'https://index.docker.io/v1/';
    expect(entries(file, '//debian')).toEqual([
      { kind: 'helper', name: 'hub', server },
      password('me', 'secret'),
      { kind: 'helper', name: 'desktop', server },
    ]);
    expect(entries(file, '//example.com/a')).toEqual([
      { kind: 'helper', name: 'own', server: 'example.com' },
      { kind: 'helper', name: 'desktop', server: 'example.com' },
    ]);
  });

  it('finds nothing in other JSON, and nothing of the language', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(authEntriesOf(text, parseDockerReference('//example.com/a'))).toBeInstanceOf(Array);
      }),
    );
    expect(
      authEntriesOf('{"auths":{"__proto__":{"username":"a","password":"b"}}}', {
        host: 'constructor',
        repository: 'a',
        tag: undefined,
        digest: undefined,
      }),
    ).toEqual([]);
    expect(() => authEntriesOf('{', parseDockerReference('//a'))).toThrow(SyntaxError);
  });
});
