import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blockloom, type CliResult, output } from '../../helpers/cli.ts';
import { scratch, sharedScratch } from '../../helpers/scratch.ts';
import { VECTORS, writeTar } from '../../helpers/wares.ts';

const { ware: WARE, entries: ENTRIES } = VECTORS['a tar with its base']!;
const NOOP = { noop: true, cradle: 'disable' };
const KEEP = { uid: 'keep', gid: 'keep', mtime: 'keep' };

/** Writes a formula of one ware, at `path`, into a folder that has it. */
function writeFormula(cwd: string, path: string, more: object, context: object = {}): void {
  writeTar(cwd, 'ware.tar', ENTRIES);
  const formula = { inputs: { [path]: WARE }, action: NOOP, ...more };
  const fetchUrls = { [path]: ['file://./ware.tar'] };
  writeFileSync(join(cwd, 'a.formula'), JSON.stringify({ formula, context: { fetchUrls, ...context } }));
}

interface Record_ {
  readonly results: Readonly<Record<string, string>>;
}

describe('formula run', () => {
  it('packs what a formula puts together: a question that Repeatr once left open', () => {
    const cwd = scratch();
    writeFormula(cwd, '/a/deep/mount', { outputs: { '/': { packtype: 'tar' }, '/none': { packtype: 'zip' } } });
    const record = JSON.parse(output(['formula', 'run', 'a.formula'], { cwd })) as Record_;
    expect(record).toEqual({
      guid: expect.stringMatching(/^[\da-f-]{36}$/),
      formulaID: output(['formula', 'id', 'a.formula'], { cwd }),
      time: expect.any(Number),
      exitCode: 0,
      results: { '/': 'tar:3Ua3UTpeDUg2RjRd826z1YmijBFMccfRZTTasZfsPJz4Ad76gtGxXfE6ZonZageFDL', '/none': 'zip:-' },
      hostname: expect.any(String),
    });
    writeFormula(cwd, '/a/deep/mount', { outputs: { '/': { packtype: 'tar', filters: KEEP } } });
    const { results } = JSON.parse(output(['formula', 'run', 'a.formula', '--json'], { cwd })) as Record_;
    expect(results['/']).toBe('tar:35pdQ3zQVK6yaCE8tR7mKj16dmVBVfhMvbwgYc68qPutiZfgwAsMCf2KiLYtodriYp');
  });

  it('saves outputs, from which the next formula takes them', () => {
    const cwd = scratch();
    const outputs = { '/a': { packtype: 'tar', filters: KEEP } };
    writeFormula(cwd, '/a', { outputs }, { saveUrls: { '/a': 'file://./out.tgz' } });
    const { results } = JSON.parse(output(['formula', 'run', 'a.formula'], { cwd })) as Record_;
    expect(results['/a']).toBe(WARE);
    expect(output(['ware', 'hash', 'out.tgz'], { cwd })).toBe(WARE);
  });
});

describe('a directory of this host', () => {
  it('is an input as it is when the formula begins, and stays as it is', () => {
    const cwd = scratch();
    mkdirSync(join(cwd, 'sources/below'), { recursive: true });
    writeFileSync(join(cwd, 'sources/below/a'), 'a', { mode: 0o640 });
    const outputs = { '/src': { packtype: 'tar' } };
    for (const mode of ['ro', 'overlay']) {
      writeFormula(cwd, '/', { inputs: { '/': WARE, '/src': `mount:${mode}:${cwd}/sources` }, outputs });
      const { stdout, stderr } = blockloom(['formula', 'run', 'a.formula'], { cwd });
      expect(stderr).toBe(
        `blockloom: warning: what is in ${cwd}/sources is not in the formula's name, and the same formula may give something else\n`,
      );
      const { results } = JSON.parse(stdout) as Record_;
      expect(results['/src']).toBe(output(['ware', 'hash', 'sources'], { cwd }));
    }
    expect(readdirSync(join(cwd, 'sources/below'))).toEqual(['a']);
  });
});

describe('formula image', () => {
  it('is the image of what a formula begins with', () => {
    const cwd = scratch();
    writeFormula(cwd, '/a', { action: { exec: ['/bin/true'] } });
    const [digest] = output(['formula', 'image', 'a.formula', '-o', 'a.img'], { cwd }).split(' ');
    expect(output(['ls', '-lR', 'a.img'], { cwd }).replace(/ +/g, ' ').split('\n')).toEqual([
      'drwxr-xr-x 3 7000 7000 4096 2015-05-30T19:53:35Z a',
      '-rw-r--r-- 1 7000 7000 0 2015-05-30T19:53:35Z a/ab',
      'drwxr-xr-x 2 7000 7000 4096 2015-05-30T19:53:35Z a/bc',
      'drwxr-xr-x 3 1000 1000 4096 2010-01-01T00:00:00Z home',
      'drwxr-xr-x 2 1000 1000 4096 2010-01-01T00:00:00Z home/reuser',
      'drwx------ 2 0 0 16384 2010-01-01T00:00:00Z lost+found',
      'drwxr-xr-x 2 1000 1000 4096 2010-01-01T00:00:00Z task',
      'drwxrwxrwt 2 0 0 4096 2010-01-01T00:00:00Z tmp',
    ]);
    expect(output(['formula', 'image', 'a.formula', '-o', 'b.img', '--no-cache'], { cwd })).toBe(`${digest}  b.img`);
  });
});

describe("Repeatr's exit statuses", () => {
  const cwd = sharedScratch();

  function expectFailure(args: readonly string[], status: number, line: RegExp): void {
    const result: CliResult = blockloom(['formula', ...args], { cwd });
    expect([result.status, result.stdout]).toEqual([status, '']);
    expect(result.stderr).toMatch(/^blockloom: [^\n]+\n$/);
    expect(result.stderr).toMatch(line);
  }

  it('tell what is wrong with a formula', () => {
    writeFileSync(join(cwd, 'bad.formula'), '{');
    expectFailure(['id', 'bad.formula'], 1, /bad\.formula is not JSON/);
    expectFailure(['run', 'none.formula'], 1, /none\.formula cannot be read/);
    for (const action of [{}, { noop: true, exec: ['/bin/true'] }]) {
      writeFormula(cwd, '/', { action });
      expectFailure(['run', 'a.formula'], 1, /the action is neither noop nor a command, or both/);
    }
  });

  it('tell what is wrong with its inputs', () => {
    const fetchUrls = (...urls: string[]): object => ({ fetchUrls: { '/': urls } });
    writeFormula(cwd, '/', {}, fetchUrls());
    expectFailure(['run', 'a.formula'], 3, /no warehouse is named/);
    writeFormula(cwd, '/', {}, fetchUrls('file://none.tar'));
    expectFailure(['run', 'a.formula'], 5, /the ware is not there/);
    writeTar(cwd, 'other.tar', []);
    writeFormula(cwd, '/', {}, fetchUrls('file://other.tar'));
    expectFailure(['run', 'a.formula'], 7, /was asked for/);
    writeFormula(cwd, '/', { inputs: { '/': WARE, '/h': 'mount:rw:/home' } });
    expectFailure(['run', 'a.formula'], 10, /the path \/h is to be mount:rw:\/home: nothing that is written/);
    writeFormula(cwd, '/', { inputs: { '/': WARE, '/h': `mount:ro:${cwd}/none` } });
    expectFailure(['run', 'a.formula'], 10, /none, which is to be at \/h, is no directory of this host/);
    writeFormula(
      cwd,
      '/',
      { inputs: { '/': WARE, '/ab/x': WARE } },
      { fetchUrls: { '/': ['file://ware.tar'], '/ab/x': ['file://ware.tar'] } },
    );
    expectFailure(['image', 'a.formula', '-o', 'x.img'], 10, /leads through \/ab, which is no directory/);
    expect(existsSync(join(cwd, 'x.img'))).toBe(false);
  });

  it('tell what is wrong with its command, before anything is started', () => {
    writeFormula(cwd, '/', { action: { exec: ['/bin/none'] } });
    expectFailure(['run', 'a.formula'], 40, /the program "\/bin\/none" is not there/);
    writeFormula(cwd, '/', { action: { exec: ['/bin/none'], cwd: '/none', cradle: 'disable' } });
    expectFailure(['run', 'a.formula'], 40, /the working directory "\/none" is not there/);
  });

  it('tell what is wrong with its outputs', () => {
    const outputs = { '/ab': { packtype: 'tar' } };
    writeFormula(cwd, '/', { outputs });
    expectFailure(['run', 'a.formula'], 11, /\/ab is no directory/);
    writeFormula(cwd, '/', { outputs: { '/': { packtype: 'tar' } } }, { saveUrls: { '/': 'ca+file://none' } });
    expectFailure(['run', 'a.formula'], 3, /none is no directory/);
    expect(readdirSync(cwd).filter((name) => name.includes('tmp'))).toEqual([]);
  });
});
