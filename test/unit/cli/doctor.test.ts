import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { blockloom, type CliResult } from '../../helpers/cli.ts';
import { scratch } from '../../helpers/scratch.ts';

interface Finding {
  readonly what: string;
  readonly status: string;
  readonly found: string;
  readonly remedy?: string;
}

let cwd: string;
let programs: string;

beforeEach(() => {
  cwd = scratch();
  programs = join(cwd, 'programs');
  mkdirSync(programs);
});

function doctor(env: Record<string, string> = {}, ...args: string[]): CliResult {
  return blockloom(['doctor', ...args], { cwd, env: { PATH: programs, HOME: cwd, ...env } });
}

function findings(env?: Record<string, string>, ...args: string[]): Map<string, Finding> {
  const { findings: all } = JSON.parse(doctor(env, '--json', ...args).stdout) as { findings: Finding[] };
  return new Map(all.map((finding) => [finding.what, finding]));
}

function addProgram(name: string, script: string): void {
  writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(programs, name), 0o755);
}

describe('doctor', () => {
  it('tells which programs are here, in which version, and how to get the others', () => {
    addProgram('umoci', 'echo umoci version 7.8.9');
    addProgram('skopeo', 'exec /bin/sleep 100');
    const found = findings();
    expect(found.get('umoci')).toMatchObject({ status: 'ok', found: `7.8.9, ${join(programs, 'umoci')}` });
    // One that does not answer is there all the same.
    expect(found.get('skopeo')).toMatchObject({ status: 'ok', found: join(programs, 'skopeo') });
    expect(found.get('qemu-nbd')).toMatchObject({ status: 'missing', remedy: 'apt-get install qemu-utils' });
    expect(found.get('Node.js')).toMatchObject({ status: 'ok', found: process.versions.node });
  });

  it('changes nothing', () => {
    expect(doctor({ XDG_CACHE_HOME: join(cwd, 'cache') }).status).toBe(0);
    expect(readdirSync(cwd)).toEqual(['programs']);
  });

  it('fails where nothing can be written, and says what to do', () => {
    writeFileSync(join(cwd, 'file'), '');
    const { status, stdout } = doctor({ TMPDIR: join(cwd, 'file') });
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^broken +temporary folder +.*\/file cannot be written .*; to have it: make .*\/file writable/m,
    );
    expect(findings({}, '--cache', join(cwd, 'file')).get('cache')).toMatchObject({ status: 'limited' });
  });

  it("knows the credential helpers of docker's configuration", () => {
    addProgram('docker-credential-here', 'exit 1');
    const config = { credsStore: 'here', credHelpers: { 'example.org': 'gone', 'example.com': '../../bin/sh' } };
    mkdirSync(join(cwd, '.docker'));
    writeFileSync(join(cwd, '.docker/config.json'), JSON.stringify(config));
    const helpers = [...findings().values()].filter(({ what }) => what.startsWith('docker-credential-'));
    expect(helpers.map(({ what, status }) => [what, status])).toEqual([
      ['docker-credential-here', 'ok'],
      ['docker-credential-gone', 'missing'],
    ]);
    writeFileSync(join(cwd, '.docker/config.json'), '{');
    expect(findings().get('credentials')).toMatchObject({ status: 'limited' });
  });
});
