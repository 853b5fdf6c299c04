import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blockloom, output, writeLayers } from '../../helpers/cli.ts';
import { scratch, sharedScratch } from '../../helpers/scratch.ts';

const cwd = sharedScratch();
const layers = writeLayers(cwd);
const hash = (...args: string[]): string => output(['hash', ...args], { cwd });

function define(name: string, text: string): string {
  writeFileSync(join(cwd, name), text);
  return name;
}

describe('-f', () => {
  it('gives the image of the same layers and options', () => {
    const file = define(
      'a.yaml',
      `blockloom: 1\nlayers: [${layers.join(', ')}]\nfilesystem: { label: x, free: 1M }\nmtime: keep\nowner: 7:8\n`,
    );
    const options = ['--label', 'x', '--free', '1M', '--mtime', 'keep', '--owner', '7:8'];
    const digest = hash(...layers, ...options);
    expect(hash('-f', file)).toBe(digest);
    expect(hash('-f', file, '--label', 'y')).toBe(hash(...layers, ...options, '--label', 'y'));
    expect(output(['hash', '-f', '-'], { cwd, input: readFileSync(join(cwd, file)) })).toBe(digest);
    expect(output(['build', '-f', file, '-o', 'a.img'], { cwd })).toBe(`${digest}  a.img`);
    expect(output(['verify', 'a.img', '-f', file], { cwd })).toBe(`same ${digest}`);
    expect(output(['map', '-f', file, '--json'], { cwd })).toBe(
      output(['map', ...layers, ...options, '--json'], { cwd }),
    );
    const lock = output(['build', '-f', file, '-o', 'b.img', '--lock', 'lock'], { cwd });
    expect(lock).toBe(`${digest}  b.img`);
    expect(output(['verify', '--lock', 'lock'], { cwd })).toBe(`same ${digest}`);
  });

  it('names paths from its own folder, whose files are no output', () => {
    mkdirSync(join(cwd, 'sub'));
    writeFileSync(join(cwd, 'sub/init'), 'x');
    const file = define('sub/a.yaml', `blockloom: 1\nlayers: [../base.tar, { files: { /init: { file: init } } }]\n`);
    expect(output(['map', '-f', file, '--path', '/init'], { cwd })).toMatch(/init/);
    for (const target of ['sub/init', file]) {
      const { status, stderr } = blockloom(['build', '-f', file, '-o', target, '--force'], { cwd });
      expect([status, stderr]).toEqual([2, `blockloom: ${target} is read from, as ${target}\n`]);
    }
  });

  it('has a lock of its inline files and places', () => {
    const file = define(
      'lock.yaml',
      `blockloom: 1\nlayers: [{ tar: base.tar, at: /b }, { files: { /x: { text: x } } }]\n`,
    );
    const other = define(
      'other.yaml',
      `blockloom: 1\nlayers: [{ tar: base.tar, at: /b }, { files: { /x: { text: y } } }]\n`,
    );
    const digest = output(['build', '-f', file, '-o', 'l.img', '--lock', 'inline.lock'], { cwd }).split(' ')[0]!;
    expect(output(['verify', '--lock', 'inline.lock', '-f', file], { cwd })).toBe(`same ${digest}`);
    expect(blockloom(['verify', '--lock', 'inline.lock', '-f', other], { cwd }).status).toBe(4);
    rmSync(join(cwd, file));
    expect(output(['verify', '--lock', 'inline.lock'], { cwd })).toBe(`same ${digest}`);
    const placed = define('placed.yaml', `blockloom: 1\nlayers: [{ tar: base.tar, at: /b }]\n`);
    output(['build', '-f', placed, '-o', 'p.img', '--lock', 'placed.lock'], { cwd });
    expect(output(['verify', '--lock', 'placed.lock'], { cwd })).toBe(`same ${hash('-f', placed)}`);
  });

  it('tells what is wrong in one line', () => {
    const file = define('wrong.yaml', 'blockloom: 1\nlayers: [base.tar]\nlabel: x\n');
    const { status, stdout, stderr } = blockloom(['hash', '-f', file], { cwd });
    expect([status, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(/^blockloom: wrong\.yaml:3:1: found the unknown key "label", expected one of [^\n]+\n$/);
  });
});

describe('init', () => {
  it('writes a definition that builds, and replaces none', () => {
    const folder = scratch();
    const run = (...args: string[]) => blockloom(args, { cwd: folder });
    expect(run('init')).toMatchObject({ status: 0, stdout: 'image.yaml\n' });
    const text = readFileSync(join(folder, 'image.yaml'), 'latin1');
    const schema = /^# yaml-language-server: \$schema=(.*)$/m.exec(text)?.[1] ?? '';
    expect(existsSync(schema)).toBe(true);
    expect(run('build', '-f', 'image.yaml', '-o', 'x.img').status).toBe(0);
    expect(run('init', '-').stdout).toBe(text);
    expect(run('init')).toMatchObject({ status: 1, stderr: 'blockloom: image.yaml exists; --force replaces it\n' });
    chmodSync(join(folder, 'image.yaml'), 0o600);
    writeFileSync(join(folder, 'image.yaml'), 'x');
    expect(run('init', '--force').status).toBe(0);
    expect(readFileSync(join(folder, 'image.yaml'), 'latin1')).toBe(text);
  });
});
