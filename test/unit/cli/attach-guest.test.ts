import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configurationOf, guestOf, imagesNamed } from '../../../src/cli/attach-guest.ts';
import type { Solo5Notes } from '../../../src/core/manifest/solo5-notes.ts';
import { makeUnikernel } from '../../helpers/elf-writer.ts';
import { scratch } from '../../helpers/scratch.ts';
import { run } from '../../helpers/tools.ts';

const NOTES: Solo5Notes = {
  manifest: { devices: [{ name: 'storage', type: 'BLOCK_BASIC' }] },
  target: 'spt',
  abiVersion: 1,
};

/** A file of a directory of the test's own. */
function file(bytes: Uint8Array | string): string {
  const path = join(scratch(), 'file');
  writeFileSync(path, bytes);
  return path;
}

describe('guestOf', () => {
  it('reads the notes of unikernels of Solo5, and of no other kernel', () => {
    const kernel = file(makeUnikernel(NOTES));
    expect(guestOf({ vmm: 'solo5-spt', kernel: kernel }).unikernel).toEqual(NOTES);
    expect(guestOf({ vmm: 'qemu', kernel: kernel }).unikernel).toBeUndefined();
    expect(guestOf({ vmm: 'solo5-spt', kernel: file('x'.repeat(100)) }).unikernel).toBeUndefined();
  });

  it('has the files of devices and their sizes', () => {
    const path = file('x'.repeat(700));
    expect(guestOf({ vmm: 'solo5-hvt', block: [`a=${path}`] }).blocks).toEqual([{ name: 'a', path, size: 700 }]);
  });

  it('has the sizes of sectors, 0 for what is no number', () => {
    const { sectorSizes } = guestOf({ vmm: 'solo5-hvt', blockSectorSize: ['a=4096', 'b=x'] });
    expect([...(sectorSizes ?? [])]).toEqual([
      ['a', 4096],
      ['b', 0],
    ]);
  });

  it('has the configuration as it is', () => {
    const path = file('{}');
    expect(configurationOf({ config: path })).toEqual({ name: path, bytes: Uint8Array.from(Buffer.from('{}')) });
    expect(configurationOf({})).toBeUndefined();
    expect(() => configurationOf({ config: '/nonexistent' })).toThrow('/nonexistent: no such file');
  });

  it.each([
    ['files for devices of others', 'qemu', { block: ['a=b'] }, '--block and --block-sector-size are for'],
    ['sectors of others', 'qemu', { blockSectorSize: ['a=512'] }, '--block and --block-sector-size are for'],
    ['sectors of nothing', 'solo5-hvt', { blockSectorSize: ['512'] }, 'expected NAME=BYTES'],
    ['a device without a file', 'solo5-hvt', { block: ['a'] }, '--block a: expected NAME=FILE'],
    ['a file that is not there', 'solo5-hvt', { block: ['a=/nonexistent'] }, '/nonexistent: no such file'],
  ])('refuses %s', (_, vmm, options, what) => {
    expect(() => guestOf({ vmm, ...options })).toThrow(what);
  });

  it('has absolute paths for Xen', () => {
    expect(guestOf({ vmm: 'rumprun-xen', kernel: 'app', initrd: 'initrd' })).toMatchObject({
      kernel: resolve('app'),
      initrd: resolve('initrd'),
    });
    expect(guestOf({ vmm: 'xen' }).kernel).toBeUndefined();
    expect(guestOf({ vmm: 'qemu', kernel: 'app' }).kernel).toBe('app');
  });

  it('does not wait for what is no file', () => {
    const path = join(scratch(), 'pipe');
    run('mkfifo', [path]);
    expect(guestOf({ vmm: 'solo5-hvt', kernel: path }).unikernel).toBeUndefined();
  });

  it('refuses a kernel that is not there', () => {
    expect(() => guestOf({ vmm: 'solo5-hvt', kernel: '/nonexistent' })).toThrow('/nonexistent: no such file');
  });
});

describe('imagesNamed', () => {
  const configured = (...paths: string[]): string =>
    file(`{${paths.map((path) => `"blk":{"source":"blockloom","path":"${path}"}`).join(',')}}`);
  const wordsFor = (config: string, vmm = 'rumprun', ...references: string[]): readonly string[] =>
    imagesNamed(references, { vmm }, configurationOf({ config })).words;

  it('is what the configuration of Rumprun names, from the folder of that', () => {
    const config = configured('base.tar');
    const path = join(dirname(config), 'base.tar');
    expect(imagesNamed([], { vmm: 'rumprun' }, configurationOf({ config }))).toMatchObject({
      references: [path],
      words: [path],
    });
    expect(wordsFor(configured('oci:./a.yaml'))).toEqual(['oci:./a.yaml']);
  });

  it('may be a definition', () => {
    const config = configured('image.yaml');
    const path = join(dirname(config), 'image.yaml');
    expect(imagesNamed([], { vmm: 'rumprun' }, configurationOf({ config }))).toEqual({
      references: [],
      given: { vmm: 'rumprun', file: path },
      words: ['-f', path],
    });
  });

  it('is what the command line names first of all', () => {
    const config = configured('base.tar');
    expect(wordsFor(config, 'rumprun', 'a.tar')).toEqual(['a.tar']);
    expect(wordsFor(config, 'qemu')).toEqual([]);
    expect(imagesNamed([], { vmm: 'rumprun', file: 'a.yaml' }, configurationOf({ config }))).toMatchObject({
      references: [],
      words: [],
    });
  });

  it('may be several, with names', () => {
    const config = configured('a', 'oci:b');
    expect(wordsFor(config)).toEqual([`disk0=${join(dirname(config), 'a')}`, 'disk1=oci:b']);
    expect(() => wordsFor(configured('a', 'b.yaml'))).toThrow('b.yaml: a definition beside other images');
  });

  it('is none without a path', () => {
    expect(wordsFor(configured(''))).toEqual([]);
    expect(wordsFor(configured('a', ''))).toEqual([]);
  });
});
