import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { output, startBlockloom } from '../helpers/cli.ts';
import { scratch } from '../helpers/scratch.ts';
import { requireTools, run, skipped } from '../helpers/tools.ts';
import { VECTORS, wareAt, writeTar } from '../helpers/wares.ts';

/** Wares that rio and Repeatr test with, where somebody put them beside this repository. */
const UPSTREAM = join(import.meta.dirname, '../../../shared/fixtures/rio');
const BUSYBASH = 'tar:6q7G4hWr283FpTa5Lf8heVqw9t97b5VoMU6AGszuBYAz9EzQdeHVFAou7c4W9vFcQ6';
const KEEP = ['--filters', 'uid=keep,gid=keep,mtime=keep'];

/** A folder with files, directories, symlinks and odd names. */
function makeFolder(): string {
  const cwd = scratch();
  mkdirSync(join(cwd, 'root/deep/tree'), { recursive: true });
  writeFileSync(join(cwd, 'root/run'), 'x'.repeat(100_000), { mode: 0o755 });
  writeFileSync(join(cwd, 'root/deep/tree/naïve name'), '');
  symlinkSync('run', join(cwd, 'root/link'));
  run('find', ['root', '-exec', 'touch', '-h', '-d', '@1433015615', '{}', '+'], { cwd });
  return cwd;
}

describe.skipIf(!requireTools('zip', 'unzip', 'tar'))('zips of Info-ZIP', () => {
  it('have the name of the same tar, and read ours', async () => {
    const cwd = makeFolder();
    run('zip', ['-qry', '../a.zip', '.'], { cwd: join(cwd, 'root') });
    run('tar', ['-cf', 'a.tar', '-C', 'root', '.'], { cwd });
    // The root of a zip is implied.
    writeTar(cwd, 'implied.tar', []);
    run('tar', ['-cf', 'implied.tar', '-C', 'root', 'deep', 'run', 'link'], { cwd });
    expect((await wareAt(join(cwd, 'a.zip'), 'zip')).slice(4)).toBe((await wareAt(join(cwd, 'implied.tar'))).slice(4));

    const name = output(['ware', 'pack', 'zip', 'a.tar', ...KEEP, '--target=file://./b.zip'], { cwd });
    expect(name.slice(4)).toBe((await wareAt(join(cwd, 'a.tar'))).slice(4));
    run('unzip', ['-tq', 'b.zip'], { cwd });
    run('unzip', ['-q', 'b.zip', '-d', 'back'], { cwd });
    // unzip leaves the root to who calls it.
    run('touch', ['-d', '@1433015615', 'back'], { cwd });
    expect(output(['ware', 'hash', 'back', ...KEEP], { cwd }).slice(4)).toBe(name.slice(4));
  });
});

describe.skipIf(!requireTools('tar'))('tars of GNU tar', () => {
  it('and of ours are read by each other', async () => {
    const cwd = makeFolder();
    const name = output(['ware', 'pack', 'tar', 'root', ...KEEP, '--target=file://./a.tgz'], { cwd });
    mkdirSync(join(cwd, 'back'));
    run('tar', ['-xzf', '../a.tgz'], { cwd: join(cwd, 'back') });
    run('tar', ['-czf', 'b.tgz', '-C', 'back', '.'], { cwd });
    expect(await wareAt(join(cwd, 'b.tgz'))).toBe(name);
    expect(readFileSync(join(cwd, 'back/link'), 'latin1')).toBe('x'.repeat(100_000));
  });
});

describe.skipIf(!requireTools('openssl'))('a warehouse in TLS', () => {
  it('is read by who has a certificate that is trusted', async () => {
    const cwd = scratch();
    const { ware, entries } = VECTORS['a tar with its base']!;
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-nodes', '-days', '2'];
    const files = ['-keyout', join(cwd, 'key.pem'), '-out', join(cwd, 'cert.pem')];
    run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', ...names, ...files]);
    const tar = readFileSync(writeTar(cwd, 'a.tar', entries));
    const tls = { key: readFileSync(join(cwd, 'key.pem')), cert: readFileSync(join(cwd, 'cert.pem')) };
    const paths: (string | undefined)[] = [];
    const server = createServer(tls, ({ url }, response) => {
      paths.push(url);
      response.end(tar);
    }).listen(0, 'localhost');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const source = `ca+https://localhost:${(server.address() as AddressInfo).port}/wares`;
    const unpack = async (env: Record<string, string>): Promise<number> => {
      const child = startBlockloom(['ware', 'unpack', ware, '--source', source, '-o', 'out'], { cwd, env });
      return ((await once(child, 'exit')) as [number])[0];
    };
    expect(await unpack({})).toBe(3);
    expect(await unpack({ NODE_EXTRA_CA_CERTS: join(cwd, 'cert.pem') })).toBe(0);
    expect(paths).toEqual([`/wares/${ware.slice(4, 7)}/${ware.slice(7, 10)}/${ware.slice(4)}`]);
    expect(existsSync(join(cwd, 'out/bc'))).toBe(true);
  });
});

const isMissing = !existsSync(UPSTREAM);
describe.skipIf(skipped(isMissing, 'the wares of rio and Repeatr are not in ../shared/fixtures/rio'))(
  'upstream wares',
  () => {
    it.each([
      ['busybash.tgz', BUSYBASH],
      ['tar_kitchenSink.tgz', VECTORS['all that a ware holds']!.ware],
      ['tar_sansBase.tgz', VECTORS['a tar without its base']!.ware],
      ['tar_withBase.tgz', VECTORS['a tar with its base']!.ware],
    ])('%s has its name', async (file, ware) => {
      expect(await wareAt(join(UPSTREAM, file))).toBe(ware);
    });

    it.skipIf(!requireTools('root'))(
      'have it again when they were unpacked, symlinks included that do not count',
      () => {
        const cwd = scratch();
        const source = `file://${join(UPSTREAM, 'busybash.tgz')}`;
        output(['ware', 'unpack', BUSYBASH, '--source', source, '-o', 'root', '--filters', 'uid=follow,gid=follow'], {
          cwd,
        });
        expect(run('find', ['root', '-type', 'l'], { cwd }).toString().trim().split('\n')).toHaveLength(316);
        expect(output(['ware', 'pack', 'tar', 'root', ...KEEP], { cwd })).toBe(BUSYBASH);
      },
    );
  },
);
