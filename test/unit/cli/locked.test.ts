import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { blockloom, output } from '../../helpers/cli.ts';
import { json, writeImageBlobs, writeIndex } from '../../helpers/oci-layout.ts';
import { makeTar } from '../../helpers/tar-writer.ts';

const REF_NAME = 'org.opencontainers.image.ref.name';
const BASE = makeTar([{ name: 'etc/hostname', data: 'one\n' }]);
const OTHER = makeTar([{ name: 'etc/hostname', data: 'two\n' }]);
const PLAIN = makeTar([{ name: 'srv/index.html', data: 'x'.repeat(9000) }]);
const LAYERS = ['oci:app:latest', 'plain.tar', 'site'] as const;

let cwd = '';
let sha256 = '';

beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'blockloom-test-'));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

/** The inputs as they are when they are locked. */
beforeEach(() => {
  for (const name of readdirSync(cwd)) if (name !== '.cache') rmSync(join(cwd, name), { recursive: true });
  const manifest = writeImageBlobs(join(cwd, 'app'), { layers: [BASE] });
  writeIndex(join(cwd, 'app'), [{ ...manifest, annotations: { [REF_NAME]: 'latest' } }]);
  writeFileSync(join(cwd, 'plain.tar'), PLAIN);
  mkdirSync(join(cwd, 'site'));
  writeFileSync(join(cwd, 'site/a'), 'content');
  mkdirSync(join(cwd, 'locks'));
  const args = ['build', ...LAYERS, '--label', 'locked', '--lock', 'locks/app.lock', '-o', 'disk.img'];
  sha256 = output(args, { cwd }).slice(0, 64);
});

const locked = (...args: string[]): ReturnType<typeof blockloom> =>
  blockloom(['build', '--locked', 'locks/app.lock', '-o', 'again.img', ...args], { cwd });
const readLock = (): Record<string, unknown> =>
  JSON.parse(readFileSync(join(cwd, 'locks/app.lock'), 'utf8')) as Record<string, unknown>;

/** Nothing is built, and the lines say why. */
function expectMismatch(result: ReturnType<typeof blockloom>, ...lines: RegExp[]): void {
  expect([result.status, result.stdout, existsSync(join(cwd, 'again.img'))]).toEqual([4, '', false]);
  const found = result.stderr.trimEnd().split('\n');
  expect(found).toEqual(
    lines.map((line) => expect.stringMatching(new RegExp(`^blockloom: lock-mismatch: ${line.source}$`))),
  );
}

describe('a lock file', () => {
  it('has what the image came from, relative to its own folder, and nothing of the host', () => {
    const text = readFileSync(join(cwd, 'locks/app.lock'), 'utf8');
    expect(text).not.toContain(cwd);
    expect(readLock()).toMatchObject({
      'blockloom-lock': 1,
      options: { label: 'locked', sourceDateEpoch: 1262304000 },
      references: [
        { reference: 'oci:../app:latest', platform: 'linux/amd64', layers: [{ blob: /^sha256:/, diffId: /^sha256:/ }] },
        { reference: '../plain.tar', layers: [{ diffId: /^sha256:/ }] },
        { reference: '../site', layers: [{ contents: /^sha256:/ }] },
      ].map(({ layers, ...rest }) => ({ ...rest, layers: layers.map(matching) })),
      result: { sha256, size: readFileSync(join(cwd, 'disk.img')).length },
    });
    const args = ['build', ...LAYERS, '--label', 'locked', '--lock', 'locks/app.lock', '-o', 'disk.img', '--force'];
    output([...args, '--no-cache', '-j', '1'], { cwd, env: { TZ: 'Asia/Tokyo' } });
    expect(readFileSync(join(cwd, 'locks/app.lock'), 'utf8')).toBe(text);
  });

  it("reproduces the image, from any folder and with the lock's own options and epoch", () => {
    const env = { SOURCE_DATE_EPOCH: '5' };
    expect(
      blockloom(['build', '--locked', 'app.lock', '-o', '../again.img'], { cwd: join(cwd, 'locks'), env }),
    ).toEqual({
      status: 0,
      stdout: `${sha256}  ../again.img\n`,
      stderr: '',
    });
    expect(output(['verify', '--lock', 'locks/app.lock'], { cwd })).toBe(`same ${sha256}`);
    expect(output(['verify', 'again.img', '--lock', 'locks/app.lock'], { cwd })).toBe(`same ${sha256}`);
  });

  it('takes the same layers from elsewhere', () => {
    writeFileSync(join(cwd, 'base.tgz'), gzipSync(BASE));
    writeFileSync(join(cwd, 'plain.tgz'), gzipSync(PLAIN));
    expect(locked('base.tgz', 'plain.tgz', 'dir:site').stdout).toBe(`${sha256}  again.img\n`);
  });

  it('names a layer that changed, and nothing is built', () => {
    appendFileSync(join(cwd, 'site/a'), '!');
    expectMismatch(locked(), /layer 2 \(\.\/site\): contents sha256:\w{64}, locked contents sha256:\w{64}/);
    writeFileSync(join(cwd, 'plain.tar'), makeTar([{ name: 'srv/index.html', data: 'y' }]));
    const { status, stdout } = blockloom(['verify', 'disk.img', '--lock', 'locks/app.lock', '--json'], { cwd });
    expect(status).toBe(4);
    expect(JSON.parse(stdout)).toEqual({
      same: false,
      differences: [/^layer 1 \(\.\/plain\.tar\): diffID /, /^layer 2 \(\.\/site\): contents /].map(
        (line) => expect.stringMatching(line) as string,
      ),
    });
  });

  it('holds on to the image that a tag named, and says when it has moved', () => {
    const [old] = (JSON.parse(readFileSync(join(cwd, 'app/index.json'), 'utf8')) as { manifests: object[] }).manifests;
    const moved = writeImageBlobs(join(cwd, 'app'), { layers: [OTHER] });
    writeFileSync(
      join(cwd, 'app/index.json'),
      json({
        schemaVersion: 2,
        manifests: [
          { ...old, annotations: {} },
          { ...moved, annotations: { [REF_NAME]: 'latest' } },
        ],
      }),
    );
    expectMismatch(
      blockloom(
        ['build', '--locked', 'app.lock', '-o', '../again.img', 'oci:../app:latest', '../plain.tar', '../site'],
        {
          cwd: join(cwd, 'locks'),
        },
      ),
      /reference 0 \(oci:\.\.\/app:latest\): manifest: sha256:\w{64}, locked sha256:\w{64}/,
      /layer 0 \(oci:\.\.\/app:latest\): diffID sha256:\w{64}, locked diffID sha256:\w{64}/,
    );
    expect(locked().stdout).toBe(`${sha256}  again.img\n`);
  });

  it('names an option that is another', () => {
    expectMismatch(
      locked('--label', 'x', '--mtime', '7', '--free', '5%'),
      /option free: "5%", locked 0/,
      /option label: "x", locked "locked"/,
      /option sourceDateEpoch: 7, locked 1262304000/,
    );
    expectMismatch(
      locked('plain.tar'),
      /references: 1, locked 3/,
      /layers: 1, locked 3/,
      /layer 0 \(plain\.tar\): diffID \S+, locked diffID \S+/,
    );
  });

  it('names what was made where the inputs are the same', () => {
    const { result, ...lock } = readLock() as { result: Record<string, string> };
    const write = (changes: Record<string, unknown>, more = {}): void =>
      writeFileSync(join(cwd, 'locks/app.lock'), json({ ...lock, ...more, result: { ...result, ...changes } }));
    write({ sha256: '0'.repeat(64) });
    expectMismatch(locked(), new RegExp(`image: ${sha256}, locked 0{64}`));
    expect(readdirSync(cwd).filter((name) => name.includes('again'))).toEqual([]);
    expect(blockloom(['verify', 'disk.img', '--lock', 'locks/app.lock'], { cwd })).toMatchObject({
      status: 4,
      stdout: `lock-mismatch: image: ${sha256}, locked ${'0'.repeat(64)}\n`,
    });
    write({ tree: `sha256:${'0'.repeat(64)}` });
    expectMismatch(locked(), /tree: sha256:\w{64}, locked sha256:0{64}/);
    write({}, { formatVersion: 2 });
    expectMismatch(locked(), /format version: 1, locked 2/);
  });

  it('says where a file differs', () => {
    const bytes = readFileSync(join(cwd, 'disk.img'));
    bytes[1024 + 0x78] = 0x5a;
    writeFileSync(join(cwd, 'disk.img'), bytes);
    expect(blockloom(['verify', 'disk.img', '--lock', 'locks/app.lock'], { cwd })).toMatchObject({
      status: 4,
      stdout: 'different from block 0 (byte 1144, 0x478): superblock\n',
    });
  });

  it('that is damaged is refused', () => {
    writeFileSync(join(cwd, 'locks/app.lock'), '{}');
    expect(locked()).toEqual({
      status: 3,
      stdout: '',
      stderr: 'blockloom: locks/app.lock, blockloom-lock: nothing, expected 1\n',
    });
    expect(blockloom(['verify', '--lock', 'none.lock'], { cwd })).toMatchObject({
      status: 3,
      stderr: 'blockloom: none.lock: no such file or directory\n',
    });
    expect(blockloom(['verify', '--lock', '/dev/zero'], { cwd })).toMatchObject({ status: 3 });
  });
});

function matching(layer: Record<string, RegExp>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(layer).map(([key, form]) => [key, expect.stringMatching(form)]));
}

describe('a lock file of a definition', () => {
  const define = (text: string, at: string): void =>
    writeFileSync(
      join(cwd, 'image.yaml'),
      `blockloom: 1
layers:
  - oci:./app:latest
  - { tar: ./plain.tar, at: ${at} }
  - files: { /etc/motd: { text: ${text} } }
`,
    );

  it('needs it no more, and says what is another in one that is given', () => {
    define('one', '/srv');
    const args = ['build', '-f', 'image.yaml', '--label', 'x', '--lock', 'locks/app.lock', '-o', 'defined.img'];
    const expected = output(args, { cwd }).slice(0, 64);
    expect(readLock()).toMatchObject({
      references: [
        { reference: 'oci:../app:latest' },
        { reference: '../plain.tar', at: '/srv' },
        { files: { '/etc/motd': { text: 'one' } } },
      ],
    });
    expect(locked('-f', 'image.yaml').stdout).toBe(`${expected}  again.img\n`);
    rmSync(join(cwd, 'again.img'));
    define('two', '/opt');
    expectMismatch(
      locked('-f', 'image.yaml'),
      /reference 1 \(\.\/plain\.tar\): at: \/opt, locked \/srv/,
      /layer 2 \(files\): contents sha256:\w{64}, locked contents sha256:\w{64}/,
    );
    rmSync(join(cwd, 'image.yaml'));
    expect(output(['verify', '--lock', 'app.lock'], { cwd: join(cwd, 'locks') })).toBe(`same ${expected}`);
    expect(locked().stdout).toBe(`${expected}  again.img\n`);
  });
});

describe('--embed-inputs', () => {
  it('names the layers in the record, the same from every transport', () => {
    writeFileSync(join(cwd, 'plain.tgz'), gzipSync(PLAIN));
    const hash = (...args: string[]): string => output(['hash', ...args], { cwd });
    const embedded = hash('--embed-inputs', 'plain.tar');
    expect(hash('--embed-inputs', 'plain.tgz')).toBe(embedded);
    expect(hash('--embed-inputs', '--no-cache', 'plain.tar')).toBe(embedded);
    expect(hash('plain.tar')).not.toBe(embedded);
    const args = ['build', '--embed-inputs', ...LAYERS, '--label', 'locked', '--force', '-o', 'disk.img'];
    output([...args, '--lock', 'locks/app.lock'], { cwd });
    const inputs = (readLock()['references'] as { layers: Record<string, string>[] }[]).flatMap(({ layers }) => layers);
    const record = readFileSync(join(cwd, 'disk.img')).subarray(8192, 12_288).toString('latin1');
    expect(record).toMatch(/^blockloom-record 1 /);
    expect(JSON.parse(record.slice(record.indexOf('\n'), record.indexOf('\0')))).toMatchObject({
      inputs: inputs.map(({ diffId, contents }) => (contents === undefined ? { diffId } : { contents })),
    });
    expect(locked().status).toBe(0);
  });
});
