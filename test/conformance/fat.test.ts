import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldCase } from '../../src/core/fat/long-names.ts';
import type { ImageOptions } from '../../src/image/options.ts';
import { blockloom, output } from '../helpers/cli.ts';
import { buildFat, fsckFat } from '../helpers/fat-image.ts';
import { scratch } from '../helpers/scratch.ts';
import { makeTar, type TarEntry } from '../helpers/tar-writer.ts';
import { requireTools, run } from '../helpers/tools.ts';

const isReady = requireTools('fsck.fat', 'mcopy', 'fls', 'icat', 'blkid');
const MIB = 1024 * 1024;

/** Files by path with their content in hexadecimal, directories with a slash, as mtools copies them. */
function copied(path: string): Map<string, string> {
  const out = join(scratch(), 'out');
  mkdirSync(out);
  run('mcopy', ['-s', '-n', '-m', '-i', path, '::*', out], {});
  return treeOf(out, '', new Map());
}

function treeOf(folder: string, prefix: string, found: Map<string, string>): Map<string, string> {
  for (const name of readdirSync(folder)) {
    const at = join(folder, name);
    if (statSync(at).isDirectory()) {
      found.set(`${prefix}${name}/`, '');
      treeOf(at, `${prefix}${name}/`, found);
    } else found.set(prefix + name, readFileSync(at).toString('hex'));
  }
  return found;
}

/** The same of what was put into an image. */
function expected(entries: readonly TarEntry[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { name, data = '', type } of entries) {
    const path = Buffer.from(name, 'latin1').toString();
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1))
      found.set(path.slice(0, slash + 1), '');
    if (type !== 'directory') found.set(path, Buffer.from(data).toString('hex'));
  }
  return found;
}

const sorted = (found: Map<string, string>): [string, string][] =>
  Array.from(found).sort(([a], [b]) => (a < b ? -1 : 1));

const bytes = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + Math.floor(i / 250) + seed) & 0xff);

const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

const sample: readonly TarEntry[] = [
  { name: 'README.TXT', data: 'short\n', mtime: 1_600_000_001 },
  { name: 'EFI/BOOT/BOOTX64.EFI', data: bytes(100_000, 1) },
  { name: 'loader/loader.conf', data: 'timeout 3\n' },
  { name: utf8('größer/ÄÖ ü.txt'), data: 'umlauts' },
  { name: 'empty/' },
  { name: `deep/${'d'.repeat(255)}/${'e'.repeat(247)}.txt`, data: 'deep' },
  ...Array.from({ length: 700 }, (_, i) => ({ name: `many/a long name of file ${i}`, data: bytes(i % 9, i) })),
];

describe.skipIf(!isReady)('a FAT image', () => {
  it.each<[string, ImageOptions]>([
    ['FAT12', {}],
    ['FAT12 with a label', { label: 'my-disk', size: 3 * MIB }],
    ['FAT16', { fatBits: 16, label: 'disk' }],
    ['FAT16 of 100 MiB', { size: 100 * MIB }],
    ['FAT32', { fatBits: 32, label: 'disk' }],
    ['FAT32 of 600 MiB', { free: 600 * MIB }],
    ['FAT32 of an odd size', { fatBits: 32, size: 40 * MIB + 512 }],
    ['for IncludeOS', { fatCompat: 'includeos', label: 'disk' }],
  ])('is what fsck.fat and mtools say: %s', async (_, options) => {
    const entries = sample.filter(({ name }) => options.fatCompat === undefined || !name.startsWith('deep/'));
    const path = await buildFat(entries, options);
    fsckFat(path);
    expect(sorted(copied(path))).toEqual(sorted(expected(entries)));
  });

  it('has the identity that blkid reads, and the times', async () => {
    const path = await buildFat(sample, {
      label: 'my disk',
      uuid: Uint8Array.of(0xab, 0xcd, 0x12, 0x34),
      mtime: 'keep',
    });
    const found = run('blkid', ['-p', '-o', 'export', path]).toString();
    expect(found).toContain('LABEL=MY\\ DISK\n');
    expect(found).toContain('UUID=ABCD-1234\n');
    const listing = run('fls', ['-f', 'fat', '-z', 'UTC', '-l', path]).toString();
    expect(listing).toMatch(/README\.TXT\t2020-09-13 12:26:40/);
  });

  it('is the same to another reader, characters of two units among its names', async () => {
    const entries = [...sample, { name: utf8('😀/😀 face.txt'), data: 'face' }];
    const path = await buildFat(entries, { fatBits: 16 });
    fsckFat(path);
    const lines = run('fls', ['-f', 'fat16', '-r', '-p', '-F', '-u', path]).toString().trim().split('\n');
    const inodes = new Map(lines.map((line) => line.split('\t').reverse() as [string, string]));
    // A path of more than 500 bytes is more than fls prints.
    const wanted = sorted(expected(entries)).filter(([name]) => !/^(?:many|deep)\/|\/$/.test(name));
    const found = wanted.map(([name]) => {
      const inode = /\d+/.exec(inodes.get(name) ?? '')?.[0] ?? 'none';
      return [name, run('icat', ['-f', 'fat16', path, inode]).toString('hex')];
    });
    expect(found).toEqual(wanted);
  }, 60_000);

  it('reads back as whatever was written', async () => {
    const character = fc.constantFrom(...'aAbZ09 .-_+~1éß€'.split(''), 'long');
    const name = fc
      .array(character, { minLength: 1, maxLength: 30 })
      .map((characters) => characters.join(''))
      // mtools takes a leading dot or blank, or a name of blanks, for something else.
      .filter((text) => !/[. ]$/.test(text) && !/^[. ]/.test(text));
    const file = fc.record({ path: fc.array(name, { minLength: 1, maxLength: 3 }), size: fc.nat(5000) });
    const options = fc.record({
      fatBits: fc.constantFrom(undefined, 16 as const),
      fatCompat: fc.constantFrom(undefined, 'includeos' as const),
      label: fc.constantFrom('', 'label'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 40 }), options, async (files, given) => {
        const taken = new Set<string>();
        const entries: TarEntry[] = [];
        for (const [i, { path, size }] of files.entries()) {
          // Each file has a directory of its own, so that no name is taken twice.
          const whole = [...path.slice(0, -1).map((part) => `${part}-${i}`), path.at(-1)!].join('/');
          if (taken.has(foldCase(whole))) continue;
          taken.add(foldCase(whole));
          entries.push({ name: utf8(whole), data: bytes(size, i) });
        }
        const image = await buildFat(entries, given);
        fsckFat(image);
        expect(sorted(copied(image))).toEqual(sorted(expected(entries)));
      }),
      { numRuns: 25 },
    );
  }, 100_000);
});

describe('the command line', () => {
  const made = (): string => {
    const folder = scratch();
    const names = ['I', 'i1', '\u0130', '\u0131x', 'z\u00e4', 'long name 2', 'long name 1'];
    writeFileSync(
      join(folder, 'a.tar'),
      makeTar(names.map((name) => ({ name: utf8(name), data: name, mtime: 1_711_853_999 }))),
    );
    return folder;
  };

  it.each(['vfat', 'tar'])('makes the same %s image everywhere, and again from its lock', (fs) => {
    const cwd = made();
    const hash = ['hash', '--fs', fs, '--mtime', 'keep', 'a.tar'];
    const digests = [{ TZ: 'UTC' }, { TZ: 'Pacific/Kiritimati' }, { LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' }].map(
      (env) => output(hash, { cwd, env }),
    );
    expect(new Set(digests).size).toBe(1);
    const built = output(['build', '--fs', fs, '--mtime', 'keep', '--lock', 'lock', '-o', 'image', 'a.tar'], { cwd });
    expect(built).toBe(`${digests[0]}  image`);
    expect(output(['verify', 'image', '--lock', 'lock'], { cwd })).toBe(`same ${digests[0]}`);
    expect(output(['build', '--locked', 'lock', '-o', 'again'], { cwd })).toBe(`${digests[0]}  again`);
    expect(output(['map', '--fs', fs, '--path', 'i1', 'a.tar'], { cwd })).toContain('file /i1 (layer 0)');
  });

  it('refuses what FAT has no place for', () => {
    const cwd = made();
    const refusals = [
      ['--journal=auto', 'a journal on vfat, which has none'],
      ['--embed-inputs', 'layers named by digest in vfat, which has no place for a record'],
      ['--label=far-too-long-for-it', 'a label of 19 bytes: at most 11 on FAT'],
    ].map(
      ([option = '', message]) => [blockloom(['hash', '--fs', 'vfat', option, 'a.tar'], { cwd }), message] as const,
    );
    for (const [{ status, stderr }, message] of refusals)
      expect([status, stderr]).toEqual([2, `blockloom: ${message}\n`]);
  });
});
