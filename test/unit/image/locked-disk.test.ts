import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { blockloom, output } from '../../helpers/cli.ts';
import { json, writeImageBlobs, writeIndex } from '../../helpers/oci-layout.ts';
import { scratch } from '../../helpers/scratch.ts';
import { makeTar } from '../../helpers/tar-writer.ts';

const REF_NAME = 'org.opencontainers.image.ref.name';
const DEFINITION = {
  blockloom: 1,
  layers: ['../root.tar'],
  filesystem: { label: 'root' },
  owner: '5:6',
  boot: {
    kernel: '../kernel',
    initrd: '../initrd',
    efi: '../loader.efi',
    cmdline: 'quiet',
    timeout: 2,
  },
  disk: {
    table: 'gpt',
    esp: {
      size: '4M',
      files: { '/a.efi': '../a.efi', '/empty': '../empty', '/note': { text: 'a note\n' } },
    },
    partitions: [
      { swap: '1M' },
      { file: '../raw.bin', size: '8K', name: 'raw' },
      {
        layers: [
          'oci:../app:latest',
          { files: { '/bin/run': { file: '../run.sh', mode: '0755', xattrs: { 'user.a': 'b' } } } },
        ],
        filesystem: { label: 'data', free: '1M', block_size: 1024 },
        type: 'var',
      },
      { layers: ['../data'], filesystem: { type: 'vfat' } },
      { empty: '64K' },
    ],
  },
};
/** The inputs that are files, and what they have. */
const FILES = {
  'root.tar': makeTar([{ name: 'etc/' }, { name: 'etc/hostname', data: 'web\n' }]),
  kernel: 'Linux version 6.1.0-9 (someone)',
  initrd: 'initrd',
  'loader.efi': 'loader',
  'a.efi': 'a program',
  empty: '',
  'raw.bin': Buffer.alloc(3000, 'raw'),
  'run.sh': 'exit',
  'data/file': 'data',
};

let cwd = '';
let sha256 = '';

const write = (name: string, data: string | Uint8Array): void => writeFileSync(join(cwd, name), data);
const define = (definition: object): void => write('defined/image.json', JSON.stringify(definition));
const verify = (...args: string[]): ReturnType<typeof blockloom> =>
  blockloom(['verify', '--lock', 'locks/disk.lock', ...args], { cwd });

beforeEach(() => {
  cwd = scratch();
  for (const folder of ['data', 'locks', 'defined']) mkdirSync(join(cwd, folder));
  for (const [name, data] of Object.entries(FILES)) write(name, data);
  writeIndex(join(cwd, 'app'), [tagged(makeTar([{ name: 'app', data: 'old' }]))]);
  define(DEFINITION);
  const args = ['build', '-f', 'defined/image.json', '-o', 'disk.img', '--lock', 'locks/disk.lock'];
  sha256 = output(args, { cwd }).slice(0, 64);
});

function tagged(layer: Uint8Array): object {
  return { ...writeImageBlobs(join(cwd, 'app'), { layers: [layer] }), annotations: { [REF_NAME]: 'latest' } };
}

describe('the lock of a disk', () => {
  it('has all that the disk is made of, so that the definition is needed no more', () => {
    rmSync(join(cwd, 'defined'), { recursive: true });
    const text = readFileSync(join(cwd, 'locks/disk.lock'), 'utf8');
    expect(text).not.toContain(cwd);
    const digest = expect.stringMatching(/^sha256:[\da-f]{64}$/) as string;
    expect(JSON.parse(text)).toMatchObject({
      references: [{ reference: '../root.tar' }],
      disk: {
        table: 'gpt',
        architecture: 'x86-64',
        esp: {
          size: 4_194_304,
          references: [{ files: { '/a.efi': { file: '../a.efi', digest }, '/note': { text: 'a note\n' } } }],
        },
        boot: { kernel: { file: '../kernel', digest }, initrd: { digest }, efi: { digest }, release: '6.1.0-9' },
        partitions: [
          { swap: 1_048_576 },
          { file: '../raw.bin', digest, size: 8192, name: 'raw' },
          {
            references: [
              { reference: 'oci:../app:latest', pinned: expect.stringMatching(/^oci:\.\.\/app:sha256:/) as string },
              { files: { '/bin/run': { file: '../run.sh', digest, mode: '0755', xattrs: { 'user.a': 'Yg==' } } } },
            ],
            filesystem: { label: 'data', free: 1_048_576, blockSize: 1024, owner: '5:6' },
            type: 'var',
          },
          { references: [{ reference: '../data' }], filesystem: { fs: 'vfat' } },
          { empty: 65_536 },
        ],
      },
    });
    expect(verify('disk.img').stdout).toBe(`same ${sha256}\n`);
    const again = ['build', '--locked', 'disk.lock', '-o', '../again.img'];
    expect(output(again, { cwd: join(cwd, 'locks') })).toBe(`${sha256}  ../again.img`);
  });

  it('holds on to the image that a tag in a partition named', () => {
    const index = JSON.parse(readFileSync(join(cwd, 'app/index.json'), 'utf8')) as { manifests: object[] };
    const moved = tagged(makeTar([{ name: 'app', data: 'new' }]));
    const manifests = [...index.manifests.map((old) => ({ ...old, annotations: {} })), moved];
    write('app/index.json', json({ schemaVersion: 2, manifests }));
    expect(verify().stdout).toBe(`same ${sha256}\n`);
    expect(verify('-f', 'defined/image.json').stdout).toMatch(
      /^lock-mismatch: disk\.partitions\[2\]: reference 0 \(oci:\S+app:latest\): manifest: sha256:\w+, locked sha256:\w+\n.*: layer 0 \(oci:/,
    );
  });

  it('names the input that changed', () => {
    const lines: Record<string, RegExp> = {
      'root.tar': /^layer 0 \(\.\/root\.tar\): diffID /,
      kernel: /^disk\.boot\.kernel \(\.\/kernel\): sha256:/,
      initrd: /^disk\.boot\.initrd \(\.\/initrd\): sha256:/,
      'loader.efi': /^disk\.boot\.efi \(\.\/loader\.efi\): sha256:/,
      'a.efi': /^disk\.esp: layer 0 \(files\): \/a\.efi \(\.\/a\.efi\): sha256:/,
      'raw.bin': /^disk\.partitions\[1\]\.file \(\.\/raw\.bin\): sha256:/,
      'run.sh': /^disk\.partitions\[2\]: layer 1 \(files\): \/bin\/run \(\.\/run\.sh\): sha256:/,
      'data/file': /^disk\.partitions\[3\]: layer 0 \(\.\/data\): contents /,
    };
    for (const [name, line] of Object.entries(lines)) {
      const before = readFileSync(join(cwd, name));
      const other = name.endsWith('.tar')
        ? makeTar([{ name: 'other' }])
        : Buffer.from(before).fill(0x78, before.length - 1);
      write(name, other);
      const { status, stdout } = verify();
      expect([status, stdout]).toEqual([
        4,
        expect.stringMatching(new RegExp(`^lock-mismatch: ${line.source.slice(1)}[^\\n]+, locked [^\\n]+\\n`)),
      ]);
      expect(stdout.split('\n').filter((each) => /disk\.|layer /.test(each))).toHaveLength(1);
      write(name, before);
    }
    expect(verify().stdout).toBe(`same ${sha256}\n`);
    rmSync(join(cwd, 'initrd'));
    expect(verify()).toMatchObject({ status: 3, stderr: 'blockloom: ./initrd: no such file or directory\n' });
  });

  it('says what is another in a definition that is given', () => {
    const { disk, boot, ...root } = DEFINITION;
    const { initrd: _, ...other } = boot;
    const [swap, raw, ...rest] = disk.partitions;
    const partitions = [{ ...swap, name: 'x' }, { swap: '1M' }, ...rest.slice(0, -1), raw];
    define({ ...root, boot: { ...other, timeout: 3 }, disk: { table: 'mbr', partitions } });
    expect(verify('-f', 'defined/image.json').stdout.split('\n')).toEqual([
      'lock-mismatch: disk.table: "mbr", locked "gpt"',
      'lock-mismatch: disk.esp: none, locked there',
      'lock-mismatch: disk.partitions[0].name: "x", locked none',
      expect.stringMatching(/^lock-mismatch: disk\.partitions\[1\]\.file: none, locked sha256:/),
      'lock-mismatch: disk.partitions[1].size: none, locked 8192',
      'lock-mismatch: disk.partitions[1].name: none, locked "raw"',
      'lock-mismatch: disk.partitions[1].swap: 1048576, locked none',
      expect.stringMatching(/^lock-mismatch: disk\.partitions\[4\]\.file \(raw\.bin\): sha256:\w+, locked none$/),
      'lock-mismatch: disk.partitions[4].empty: none, locked 65536',
      'lock-mismatch: disk.partitions[4].size: 8192, locked none',
      'lock-mismatch: disk.partitions[4].name: "raw", locked none',
      '',
    ]);
    define({ ...root, disk });
    expect(verify('-f', 'defined/image.json').stdout).toMatch(/^lock-mismatch: disk\.boot: none, locked there\n/);
    define({ ...root, disk, boot: { ...other, timeout: 3 } });
    expect(verify('-f', 'defined/image.json').stdout.split('\n').slice(0, 2)).toEqual([
      expect.stringMatching(/^lock-mismatch: disk\.boot\.initrd \(\S+\): none, locked sha256:/),
      'lock-mismatch: disk.boot.timeout: 3, locked 2',
    ]);
    define(root);
    expect(verify('-f', 'defined/image.json').stdout).toBe('lock-mismatch: disk: none, locked there\n');
    expect(verify('--disk', 'none').stdout).toBe('lock-mismatch: disk: none, locked there\n');
  });
});
