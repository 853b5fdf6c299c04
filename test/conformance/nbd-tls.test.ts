import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bufferBackend } from '../../src/nbd/backends/buffer-backend.ts';
import { parsePskFile, type TlsOptions } from '../../src/nbd/tls.ts';
import { startServer } from '../helpers/nbd-socket.ts';
import { nbdsh, tool, toolOutput } from '../helpers/nbd-tools.ts';
import { scratch } from '../helpers/scratch.ts';
import { requireTools, run } from '../helpers/tools.ts';

const SIZE = 3 << 20;
const content = Buffer.from(Uint8Array.from({ length: SIZE }, (_, i) => (i * 11 + (i >> 10)) & 0xff));

async function serve(tls: TlsOptions): Promise<string> {
  const exports = [
    { name: 'disk', backend: bufferBackend(content) },
    { name: 'secret', backend: bufferBackend(content), tlsOnly: true },
  ];
  return (await startServer({ exports, tls })).path;
}

/** An authority, and certificates of it for a server called localhost and a client, with the names GnuTLS clients look for. */
function certificates(): string {
  const directory = scratch();
  const make = (name: string, subject: string, ...more: string[]): void => {
    const files = ['-keyout', join(directory, `${name}-key.pem`), '-out', join(directory, `${name}-cert.pem`)];
    const key = ['-newkey', 'rsa:2048', '-nodes', '-days', '2'];
    run('openssl', ['req', '-x509', ...key, '-subj', `/CN=${subject}`, ...files, ...more]);
  };
  make('ca', 'authority', '-addext', 'basicConstraints=critical,CA:TRUE');
  const signed = ['-CA', join(directory, 'ca-cert.pem'), '-CAkey', join(directory, 'ca-key.pem')];
  for (const name of ['server', 'client']) {
    const request = join(directory, `${name}.csr`);
    const key = join(directory, `${name}-key.pem`);
    run('openssl', [
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      key,
      '-out',
      request,
    ]);
    writeFileSync(join(directory, 'extensions'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
    const what = ['-in', request, '-extfile', join(directory, 'extensions'), '-days', '2'];
    run('openssl', [
      'x509',
      '-req',
      ...what,
      ...signed,
      '-CAcreateserial',
      '-out',
      join(directory, `${name}-cert.pem`),
    ]);
  }
  return directory;
}

describe.skipIf(!requireTools('nbdinfo', 'nbdcopy', 'nbdsh'))('pre-shared keys with GnuTLS', () => {
  const psk = 'alice:00112233445566778899aabbccddeeff\n';

  it('protect what is required to be protected', async () => {
    const keys = join(scratch(), 'keys.psk');
    writeFileSync(keys, psk);
    const path = await serve({ mode: 'require', psk: parsePskFile(psk) });
    const uri = `nbds+unix://alice@/secret?socket=${path}&tls-psk-file=${keys}`;
    const copy = `${keys}.copy`;
    await toolOutput('nbdcopy', [uri, copy]);
    expect(readFileSync(copy).equals(content)).toBe(true);
    const plain = await tool('nbdinfo', [`nbd+unix:///disk?socket=${path}`]);
    expect(plain.status).not.toBe(0);
    writeFileSync(keys, psk.replace('00', '01'));
    expect((await tool('nbdinfo', [uri])).status).not.toBe(0);
  });

  it('protect some exports of several', async () => {
    const keys = join(scratch(), 'keys.psk');
    writeFileSync(keys, psk);
    const path = await serve({ mode: 'on', psk: parsePskFile(psk) });
    const script = `def see(name, tls):
  h = nbd.NBD(); h.set_tls(tls); h.set_tls_username('alice'); h.set_tls_psk_file(${JSON.stringify(keys)})
  h.set_export_name(name)
  try:
    h.connect_unix(path)
    print(name, h.get_tls_negotiated(), h.pread(4, 8) == bytes([${[...content.subarray(8, 12)].join()}]))
  except nbd.Error:
    print(name, 'refused')
see('disk', nbd.TLS_DISABLE)
see('secret', nbd.TLS_DISABLE)
see('nothing', nbd.TLS_DISABLE)
see('disk', nbd.TLS_ALLOW)
see('secret', nbd.TLS_REQUIRE)`;
    expect((await nbdsh(path, script)).split('\n')).toEqual([
      'disk False True',
      'secret refused',
      'nothing refused',
      'disk True True',
      'secret True True',
    ]);
  });
});

describe.skipIf(!requireTools('openssl', 'nbdcopy', 'qemu-img'))('certificates', () => {
  it('are shown and asked for', async () => {
    const directory = certificates();
    const pem = (name: string): Buffer => readFileSync(join(directory, `${name}.pem`));
    const options = { mode: 'require', cert: pem('server-cert'), key: pem('server-key'), ca: pem('ca-cert') } as const;
    const path = await serve(options);
    const uri = `nbds+unix:///disk?socket=${path}&tls-certificates=${directory}`;
    const copy = join(directory, 'copy');
    await toolOutput('nbdcopy', [uri, copy]);
    expect(readFileSync(copy).equals(content)).toBe(true);

    const anonymous = join(directory, 'anonymous');
    mkdirSync(anonymous);
    symlinkSync(join(directory, 'ca-cert.pem'), join(anonymous, 'ca-cert.pem'));
    const refused = await tool('nbdcopy', [uri.replace(directory, anonymous), `${copy}2`]);
    expect(refused.status).not.toBe(0);
    expect(existsSync(`${copy}2`) ? readFileSync(`${copy}2`).length : 0).toBe(0);

    const open = await serve({ mode: options.mode, cert: options.cert, key: options.key });
    await toolOutput('nbdcopy', [`nbds+unix:///disk?socket=${open}&tls-certificates=${anonymous}`, `${copy}2`]);
    expect(readFileSync(`${copy}2`).equals(content)).toBe(true);
  });

  it('are believed by QEMU', async () => {
    const directory = certificates();
    const pem = (name: string): Buffer => readFileSync(join(directory, `${name}.pem`));
    const path = await serve({ mode: 'on', cert: pem('server-cert'), key: pem('server-key'), ca: pem('ca-cert') });
    const file = join(directory, 'raw');
    writeFileSync(file, content);
    const keys = `tls-creds-x509,id=tls,dir=${directory},endpoint=client`;
    const server = `driver=nbd,server.type=unix,server.path=${path},export=secret,tls-creds=tls,tls-hostname=localhost`;
    const secure = ['--object', keys, '--image-opts', server];
    const { stdout, stderr } = await tool('qemu-img', [
      'compare',
      ...secure,
      `driver=raw,file.driver=file,file.filename=${file}`,
    ]);
    expect(stdout + stderr).toContain('identical');
  });
});
