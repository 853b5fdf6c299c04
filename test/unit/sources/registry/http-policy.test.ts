import { describe, expect, it } from 'vitest';
import { HttpPolicy } from '../../../../src/sources/registry/http-policy.ts';

const origins = (host: string, plain: readonly string[] = []): string[] =>
  new HttpPolicy(plain).originsOf(host).map(({ origin }) => origin);

describe('http without TLS', () => {
  it.each(['localhost:5000', '127.0.0.1:5000', '127.9.9.9:5000', '[::1]:5000'])('is tried after TLS at %s', (host) => {
    expect(origins(host)).toEqual([`https://${host}`, `http://${host}`]);
  });

  it.each([
    'example.com',
    'localhost.example.com',
    '127.example.com',
    '128.0.0.1',
    '[::2]',
    '10.0.0.1',
    'localhostx:5000',
  ])('is not spoken to %s', (host) => {
    expect(origins(host)).toEqual([`https://${host}`]);
  });

  it.each([
    ['registry:5000', 'registry:5000'],
    ['registry:5000', 'registry'],
    ['registry', 'registry'],
    ['registry', 'registry:80'],
    ['Registry:5000', 'rEGISTRY:5000'],
    ['localhost:5000', 'localhost'],
    ['[fd00::1]:5000', '[fd00::1]'],
  ])('is all that is spoken to %s when %s was named', (host, named) => {
    expect(origins(host, [named])).toEqual([`http://${host.toLowerCase()}`]);
  });

  it.each([
    ['registry:5001', 'registry:5000'],
    ['registry', 'registry:5000'],
    ['registry.example.com', 'registry'],
  ])('is not spoken to %s when %s was named', (host, named) => {
    expect(origins(host, [named])).toEqual([`https://${host}`]);
  });

  it('is where a server may send to only from there', () => {
    const policy = new HttpPolicy(['plain.example']);
    const step = (from: string, to: string) => (): void => policy.checkStep(new URL(from), new URL(to), 'redirects to');
    expect(step('https://a.example/', 'https://b.example/')).not.toThrow();
    expect(step('http://localhost/', 'https://b.example/')).not.toThrow();
    expect(step('http://localhost/', 'http://plain.example:81/')).not.toThrow();
    expect(step('http://localhost/', 'http://127.0.0.1:5/')).not.toThrow();
    expect(step('https://a.example/', 'http://plain.example/')).toThrow(
      'redirects to http://plain.example, from https',
    );
    expect(step('https://a.example/', 'http://localhost/')).toThrow('from https');
    expect(step('http://localhost/', 'http://b.example/')).toThrow('--plain-http b.example would allow it');
    expect(step('https://a.example/', 'data:,x')).toThrow('a data: address');
  });
});
