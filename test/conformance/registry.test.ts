import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blockloom, type CliOptions, output, startBlockloom, writeLayers } from '../helpers/cli.ts';
import { type DockerRegistry, startDockerRegistry } from '../helpers/docker-registry.ts';
import { FakeImage, FakeServer, sha256 } from '../helpers/fake-registry.ts';
import { json, writeBlob, writeImageBlobs, writeIndex } from '../helpers/oci-layout.ts';
import { nbdsh } from '../helpers/nbd-tools.ts';
import { sharedScratch } from '../helpers/scratch.ts';
import { startServe } from '../helpers/served.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { requireTools, run } from '../helpers/tools.ts';

const blobAddress = (host: string, tar: Uint8Array): string =>
  `https://${host}/v2/a/image/blobs/${sha256(gzipSync(tar))}`;

/** What a process prints until it ends. */
async function textOf({ stdout }: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of stdout ?? []) text += String(chunk);
  return text;
}

describe.skipIf(!requireTools('skopeo', 'docker-registry'))('images that skopeo put into a registry', () => {
  const folder = sharedScratch();
  const options: CliOptions = { cwd: folder, env: { HOME: folder } };
  const hash = (...args: string[]): string => output(['hash', '--platform', 'linux/amd64', ...args], options);
  let layers: readonly [string, string];
  let registry: string;
  let guarded: string;
  let expected: string;

  const skopeo = (...args: string[]): Buffer => run('skopeo', ['--insecure-policy', ...args], { cwd: folder });
  const copy = (to: string, ...args: string[]): Buffer =>
    skopeo('copy', '--quiet', '--dest-tls-verify=false', ...args, 'oci:layout:amd', `docker://${to}`);

  const started: DockerRegistry[] = [];
  const start = async (...args: Parameters<typeof startDockerRegistry>): Promise<string> => {
    const each = await startDockerRegistry(...args);
    started.push(each);
    return each.host;
  };
  afterAll(() => {
    for (const each of started) each.stop();
  });

  beforeAll(async () => {
    mkdirSync(join(folder, 'guarded'));
    registry = await start(folder);
    guarded = await start(join(folder, 'guarded'), { isGuarded: true });
    layers = writeLayers(folder);
    const layout = join(folder, 'layout');
    const amd = writeImageBlobs(layout, { layers: layers.map((layer) => readFileSync(join(folder, layer))) });
    const armPlatform = { os: 'linux', architecture: 'arm', variant: 'v7' };
    const arm = writeImageBlobs(layout, { layers: [makeTar([{ name: 'other' }])], platform: armPlatform });
    const type = 'application/vnd.oci.image.index.v1+json';
    const manifests = [
      { ...amd, platform: { os: 'linux', architecture: 'amd64' } },
      { ...arm, platform: armPlatform },
    ];
    const multi = writeBlob(layout, type, json({ schemaVersion: 2, mediaType: type, manifests }));
    const named = { amd, arm, multi };
    writeIndex(
      layout,
      Object.entries(named).map(([tag, each]) => ({
        ...each,
        annotations: { 'org.opencontainers.image.ref.name': tag },
      })),
    );
    expected = hash(...layers);
  });

  it.each([
    ['oci', ['--format', 'oci']],
    ['docker', ['--format', 'v2s2']],
    ['zstd', ['--format', 'oci', '--dest-compress-format', 'zstd']],
  ])('are the same as their layers: %s', (tag, args) => {
    copy(`${registry}/a/image:${tag}`, ...args);
    const options2 = ['--cache', join(folder, `cache-${tag}`)];
    expect(hash(...options2, `docker://${registry}/a/image:${tag}`)).toBe(expected);
    expect(hash('oci:layout:amd')).toBe(expected);
    // By digest, as somebody else computes it, and under the other name of this machine.
    const digest = run('skopeo', [
      'inspect',
      '--tls-verify=false',
      '--format',
      '{{.Digest}}',
      `docker://${registry}/a/image:${tag}`,
    ]);
    const pinned = `docker://${registry.replace('127.0.0.1', 'localhost')}/a/image@${digest.toString().trim()}`;
    expect(hash('--no-cache', pinned)).toBe(expected);
  });

  it('are chosen by platform', () => {
    skopeo('copy', '--quiet', '--all', '--dest-tls-verify=false', 'oci:layout:multi', `docker://${registry}/a/multi`);
    expect(hash(`docker://${registry}/a/multi`)).toBe(expected);
    const arm = output(['hash', '--platform', 'linux/arm/v7', `docker://${registry}/a/multi`], options);
    expect(arm).toBe(output(['hash', '--platform', 'linux/arm/v7', 'oci:layout:arm'], options));
    const { status, stderr } = blockloom(
      ['hash', '--platform', 'linux/s390x', `docker://${registry}/a/multi`],
      options,
    );
    expect(status).toBe(3);
    expect(stderr).toContain('has no image for linux/s390x: it has linux/amd64, linux/arm');
  });

  it('are what a lock file holds on to when a tag moves', () => {
    const reference = `docker://${registry}/a/moving:latest`;
    const push = (tag: string): Buffer =>
      skopeo('copy', '--quiet', '--dest-tls-verify=false', `oci:layout:${tag}`, `docker://${registry}/a/moving:latest`);
    push('amd');
    output(['build', '--platform', 'linux/amd64', reference, '-o', 'locked.img', '--lock', 'image.lock'], options);
    push('arm');
    const verify = (...args: string[]): ReturnType<typeof blockloom> =>
      blockloom(['verify', 'locked.img', '--lock', 'image.lock', '--no-cache', ...args], options);
    expect(verify()).toEqual({ status: 0, stdout: `same ${expected}\n`, stderr: '' });
    const { status, stdout } = verify(reference, '--platform', 'linux/arm/v7');
    expect(status).toBe(4);
    expect(stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^lock-mismatch: reference 0 \(docker:\S+\): platform: linux\/arm, locked linux\/amd64$/),
      expect.stringMatching(
        /^lock-mismatch: reference 0 \(docker:\S+\): manifest: sha256:\w{64}, locked sha256:\w{64}$/,
      ),
      'lock-mismatch: layers: 1, locked 2',
      expect.stringMatching(
        /^lock-mismatch: layer 0 \(docker:\S+\): diffID sha256:\w{64}, locked diffID sha256:\w{64}$/,
      ),
    ]);
  });

  it('are there for who has logged in, as skopeo does', () => {
    const reference = `docker://${guarded}/private:1`;
    copy(`${guarded}/private:1`, '--dest-creds', 'me:secret');
    const denied = blockloom(['hash', reference], options);
    expect(denied.status).toBe(1);
    expect(denied.stderr).toMatch(
      /^blockloom: docker:\/\/\S+ \S+ answers 401 \(UNAUTHORIZED: authentication required\); no credentials for \S+ in /,
    );
    expect(denied.stderr).toContain(join(folder, '.docker/config.json'));
    run('skopeo', ['login', '--tls-verify=false', '--authfile', 'auth.json', '-u', 'me', '-p', 'secret', guarded], {
      cwd: folder,
    });
    expect(hash('--authfile', 'auth.json', reference)).toBe(expected);
    expect(
      output(['hash', reference], { ...options, env: { HOME: folder, REGISTRY_AUTH_FILE: join(folder, 'auth.json') } }),
    ).toBe(expected);
  });

  it('that are not there are one line', () => {
    for (const name of ['a/image:none', 'none', `a/image@sha256:${'0'.repeat(64)}`]) {
      const { status, stdout, stderr } = blockloom(
        ['build', '-o', 'none.img', `docker://${registry}/${name}`],
        options,
      );
      expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
      expect(stderr).toMatch(/^blockloom: docker:\S+ \S+ answers 404 \((?:MANIFEST|NAME)_UNKNOWN: [^\n]+\)\n$/);
    }
    expect(existsSync(join(folder, 'none.img'))).toBe(false);
  });

  it.skipIf(!requireTools('openssl'))('are read in TLS, from who has a certificate that is trusted', async () => {
    mkdirSync(join(folder, 'tls'));
    const certificate = { certificate: join(folder, 'tls/cert.pem'), key: join(folder, 'tls/key.pem') };
    const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const files = ['-nodes', '-keyout', certificate.key, '-out', certificate.certificate];
    run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', ...names, ...files]);
    const secure = await start(join(folder, 'tls'), { tls: certificate });
    copy(`${secure}/a/image`);
    const reference = `docker://${secure}/a/image`;
    const trusting = { HOME: folder, NODE_EXTRA_CA_CERTS: certificate.certificate };
    expect(output(['hash', reference], { ...options, env: trusting })).toBe(expected);
    // A registry that has not got a layer, and knows where it is.
    const tar = readFileSync(join(folder, layers[0]));
    const urls = ['https://127.0.0.1:1/', `https://${secure}/nothing`, blobAddress(secure, tar)];
    const elsewhere = new FakeImage([tar], { urls });
    elsewhere.blobs.delete(elsewhere.layerDigest);
    const foreign = await FakeServer.start(elsewhere.answer);
    const asked = startBlockloom(['hash', `docker://127.0.0.1:${foreign.port}/test/image`], {
      ...options,
      env: trusting,
    });
    expect(await textOf(asked)).toBe(`${hash(layers[0])}\n`);
    for (const [args, env, what] of [
      [[], options.env, 'its certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT); NODE_EXTRA_CA_CERTS=FILE adds'],
      [[], { ...trusting, as: 'localhost' }, 'its certificate is not trusted (ERR_TLS_CERT_ALTNAME_INVALID)'],
      [['--plain-http', secure], trusting, 'answers 400 (Client sent an HTTP request to an HTTPS server.)'],
    ] as const) {
      const name = env !== undefined && 'as' in env ? reference.replace('127.0.0.1', 'localhost') : reference;
      const { status, stderr } = blockloom(['hash', ...args, name], { ...options, ...(env !== undefined && { env }) });
      expect(stderr).toContain(what);
      expect(status).toBe(1);
    }
  });

  it.skipIf(!requireTools('nbdsh'))(
    'are served by several processes, and stay what they were when the tag moves',
    async () => {
      const target = `${registry}/a/moves:tag`;
      copy(target);
      const { process: server } = await startServe(
        [`docker://${target}`, '--platform', 'linux/amd64', '--socket', 's', '--threads', '3'],
        folder,
      );
      skopeo('copy', '--quiet', '--dest-tls-verify=false', 'oci:layout:arm', `docker://${target}`);
      const script = [
        'import hashlib',
        'handles = []',
        'for i in range(3):',
        '  h = nbd.NBD()',
        '  h.connect_unix(path)',
        '  handles.append(h)',
        'print(*[hashlib.sha256(h.pread(h.get_size(), 0)).hexdigest() for h in handles])',
      ];
      expect(await nbdsh(join(folder, 's'), script.join('\n'))).toBe(Array(3).fill(expected).join(' '));
      // They would be gone if they had opened what the tag names now.
      const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8');
      expect(children.trim().split(' ')).toHaveLength(2);
    },
  );
});
