import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { blockloom, type CliResult, output } from '../../helpers/cli.ts';
import { scratch, sharedScratch } from '../../helpers/scratch.ts';
import { makeTar } from '../../helpers/tar-writer.ts';
import { requireTools } from '../../helpers/tools.ts';
import { VECTORS, writeTar } from '../../helpers/wares.ts';

const { ware: WARE, entries: ENTRIES } = VECTORS['all that a ware holds']!;
const OTHER = VECTORS['a tar with its base']!.ware;
const ABSENT = `tar:${'1'.repeat(60)}`;
const KEEP = ['--filters', 'uid=keep,gid=keep,mtime=keep'];

/** That status, nothing on stdout, and one line that matches on stderr. */
function expectFailure({ status, stdout, stderr }: CliResult, expected: number, line: RegExp): void {
  expect([status, stdout]).toEqual([expected, '']);
  expect(stderr).toMatch(/^blockloom: [^\n]+\n$/);
  expect(stderr).toMatch(line);
}

/** A folder with one ware as a.tgz. */
function folderOfWare(cwd = scratch()): string {
  writeFileSync(join(cwd, 'a.tgz'), gzipSync(makeTar(ENTRIES)));
  return cwd;
}

describe('ware hash', () => {
  it('prints the WareID of a tar, wherever it is', () => {
    const cwd = folderOfWare();
    expect(output(['ware', 'hash', 'a.tgz'], { cwd })).toBe(WARE);
    expect(output(['ware', 'hash', 'file://./a.tgz'], { cwd })).toBe(WARE);
    expect(output(['ware', 'hash', '-'], { cwd, input: makeTar(ENTRIES) })).toBe(WARE);
    expect(output(['ware', 'hash', 'a.tgz', '--json'], { cwd })).toBe(JSON.stringify({ ware: WARE }));
  });

  it('prints of a directory what pack prints, with owners and times made the same', () => {
    const cwd = scratch();
    mkdirSync(join(cwd, 'out/beep'), { recursive: true });
    const { ware } = VECTORS['what mkdir -p /task/out/beep makes']!;
    expect(output(['ware', 'hash', 'out'], { cwd })).toBe(ware);
    expect(output(['ware', 'pack', 'tar', 'dir:out'], { cwd })).toBe(ware);
    expect(output(['ware', 'hash', 'out', ...KEEP], { cwd })).not.toBe(ware);
  });

  it('merges layers, whose whiteouts count', () => {
    const cwd = scratch();
    writeTar(cwd, 'base.tar', [{ name: './' }, { name: 'a' }, { name: 'b' }]);
    writeTar(cwd, 'top.tar', [{ name: '.wh.b' }, { name: 'c' }]);
    writeTar(cwd, 'both.tar', [{ name: './' }, { name: 'a' }, { name: 'c' }]);
    expect(output(['ware', 'hash', 'base.tar', 'top.tar'], { cwd })).toBe(
      output(['ware', 'hash', 'both.tar'], { cwd }),
    );
  });
});

describe('ware pack and unpack', () => {
  it.skipIf(!requireTools('root'))('are the reverse of each other, through each kind of warehouse', () => {
    const cwd = folderOfWare();
    mkdirSync(join(cwd, 'wares'));
    const opened = ['--filters', 'uid=follow,gid=follow'];
    expect(output(['ware', 'unpack', WARE, '--source=file://./a.tgz', '-o', 'root', ...opened], { cwd })).toBe(WARE);
    expect(output(['ware', 'pack', 'tar', 'root', '--target=ca+file://./wares/', ...KEEP], { cwd })).toBe(WARE);
    const hash = WARE.slice(4);
    expect(existsSync(join(cwd, 'wares', hash.slice(0, 3), hash.slice(3, 6), hash))).toBe(true);
    expect(readdirSync(join(cwd, 'wares'))).toEqual([hash.slice(0, 3)]);
    const sources = ['--source=ca+file://./none', '--source=file://./none.tgz', '--source=ca+file://wares'];
    expect(output(['ware', 'unpack', WARE, ...sources, '-o', 'b.tar', ...opened], { cwd })).toBe(WARE);
    expect(output(['ware', 'hash', 'b.tar'], { cwd })).toBe(WARE);
    const zip = output(['ware', 'pack', 'zip', 'b.tar', '--target=file://./b.zip', ...KEEP], { cwd });
    expect(zip).toBe(`zip:${hash}`);
    expect(output(['ware', 'hash', 'b.zip'], { cwd })).toBe(zip);
    const input = readFileSync(join(cwd, 'b.zip'));
    expect(output(['ware', 'hash', '-', '--type', 'zip'], { cwd, input })).toBe(zip);
    expect(output(['ware', 'unpack', zip, '--source=file://b.zip', '-o', '-'], { cwd })).toContain('./deep/tree/f3');
  });

  it('make all kinds of files, with their attributes', () => {
    const cwd = folderOfWare();
    output(['ware', 'unpack', WARE, '--source=file://a.tgz', '-o', 'root'], { cwd });
    const { mode, uid, mtimeMs } = statSync(join(cwd, 'root/dir/f1'));
    expect([mode & 0o7777, uid, mtimeMs]).toEqual([0o750, process.getuid!(), 1_506_536_755_000]);
    expect(statSync(join(cwd, 'root')).mtimeMs).toBe(1_506_536_826_000);
    expect(readFileSync(join(cwd, 'root/lnkfile'), 'utf8')).toBe('f2\n');
  });

  it('pack what does not exist to a name of its own', () => {
    const cwd = scratch();
    mkdirSync(join(cwd, 'wares'));
    expect(output(['ware', 'pack', 'tar', './none', '--target=ca+file://wares'], { cwd })).toBe('tar:-');
    expect(output(['ware', 'pack', 'zip', 'none'], { cwd })).toBe('zip:-');
    expect(readdirSync(join(cwd, 'wares'))).toEqual([]);
  });
});

describe("rio's exit statuses", () => {
  const cwd = folderOfWare(sharedScratch());
  writeTar(cwd, 'link.tar', [{ name: 'a' }, { name: 'b', type: 'hardlink', linkName: 'a' }]);
  writeTar(cwd, 'setid.tar', [{ name: 'a', mode: 0o4755 }]);
  writeFileSync(join(cwd, 'torn.tar'), makeTar(ENTRIES).subarray(0, 700));
  writeFileSync(join(cwd, 'torn.zip'), 'PK\x03\x04nothing');
  mkdirSync(join(cwd, 'full/folder'), { recursive: true });
  symlinkSync('nowhere', join(cwd, 'full/a'));
  const ware = (...args: string[]): CliResult => blockloom(['ware', ...args], { cwd });

  it('1 is wrong usage', () => {
    for (const args of [
      ['ware', 'hash'],
      ['ware', 'pack', 'rar', 'x'],
      ['ware', 'unpack', 'x', '-o', 'y'],
      ['ware', 'hash', '--no'],
    ])
      expect([args, blockloom(args, { cwd }).status]).toEqual([args, 1]);
    expectFailure(ware('hash', 'a.tgz', '--filters', 'uid=x'), 1, /filter "uid=x"/);
    expectFailure(ware('unpack', WARE, '-o', 'x', '--source', 'ftp://x'), 1, /is no warehouse/);
    expectFailure(ware('pack', 'tar', 'a.tgz', ...KEEP, '--target', 'http://localhost/x'), 1, /read only/);
  });

  it('3 is no warehouse', () => {
    expectFailure(ware('unpack', WARE, '-o', 'x'), 3, /no warehouse is named/);
    expectFailure(ware('unpack', WARE, '-o', 'x', '--source', 'ca+file://none'), 3, /none is no directory/);
    expectFailure(ware('unpack', WARE, '-o', 'x', '--source', 'http://127.0.0.1:9/x'), 3, /127\.0\.0\.1:9/);
    expectFailure(ware('pack', 'tar', 'a.tgz', ...KEEP, '--target', 'ca+file://none'), 3, /none is no directory/);
  });

  it('4 is a warehouse that cannot be written', () => {
    writeFileSync(join(cwd, WARE.slice(4, 7)), 'in the way');
    expectFailure(ware('pack', 'tar', 'a.tgz', ...KEEP, '--target', 'ca+file://.'), 4, /ca\+file:\/\/\.: /);
    expect(readdirSync(cwd).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  it('5 is a missing ware', () => {
    expectFailure(ware('unpack', ABSENT, '-o', 'x', '--source', 'ca+file://.'), 5, /the ware is not there/);
    expectFailure(
      ware('unpack', ABSENT, '-o', 'x', '--source', 'ca+file://.', '--source', 'file://none'),
      5,
      /none of its/,
    );
    expectFailure(ware('unpack', 'tar:-', '-o', 'x', '--source', 'ca+file://.'), 5, /names what does not exist/);
    expectFailure(ware('hash', 'none.tar'), 5, /no such file/);
  });

  it('6 is a corrupt ware', () => {
    expectFailure(ware('hash', 'link.tar'), 6, /entry b, .*a hard link, which no ware may have/);
    expectFailure(ware('hash', 'file://full'), 6, /a directory, which is no packed ware/);
    expectFailure(ware('hash', 'torn.tar'), 6, /torn\.tar/);
    expectFailure(ware('hash', 'torn.zip'), 6, /torn\.zip: zip: /);
  });

  it('7 is a wrong hash, and nothing is written', () => {
    expectFailure(
      ware('unpack', OTHER, '-o', 'x', '--source', 'file://a.tgz'),
      7,
      /was asked for, and what came is tar:2jkq/,
    );
    expect(existsSync(join(cwd, 'x'))).toBe(false);
  });

  it('12 is a path of this host', () => {
    expectFailure(ware('unpack', WARE, '-o', 'full', '--source', 'file://a.tgz'), 12, /full exists, and is not empty/);
    expectFailure(ware('unpack', WARE, '-o', 'none/x', '--source', 'file://a.tgz'), 12, /cannot write none\/x/);
  });

  it('13 is what a filter rejects', () => {
    expectFailure(ware('hash', 'setid.tar'), 13, /entry a: a set-id bit, which the filter setid=reject refuses/);
    expect(ware('hash', 'setid.tar', '--filters', 'setid=keep').status).toBe(0);
  });
});
