import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { workFolder } from '../input.ts';
import { tarFile } from './tar-file.ts';

/** An image that is measured: layers, and the options that it is made with. */
export interface Shape {
  readonly name: string;
  readonly layers: readonly string[];
  readonly options?: readonly string[];
  /** Whether no digest of it is made: that of a terabyte of zeros takes ten minutes. */
  readonly isTooLargeToDigest?: boolean;
}

const TEXT = new Uint8Array(100).fill(0x78);
const BLOCK_BYTES = 4096;
const MEBIBYTE = 2 ** 20;
const TEBIBYTE = 2 ** 40;
/** How many names one file may have is limited by ext4. */
const NAMES_OF_ONE_FILE = 60_000;

/** A tar of `count` files of 100 bytes, a hundred in a directory. */
export function syntheticTar(count: number): string {
  return tarFile(join(workFolder(), `files-${count}.tar`), (tar) => {
    for (let i = 0; i < count; i++) {
      const directory = `d${Math.floor(i / 10_000)}/sub-${Math.floor(i / 100)}`;
      if (i % 100 === 0) tar.directory(directory);
      tar.file(`${directory}/file-${i}.txt`, { body: TEXT });
    }
  });
}

/** Images that are large in another way than by many files in many directories; with `million`, a million of each. */
export function shapes(million: boolean): Shape[] {
  const count = million ? 1_000_000 : 100_000;
  const text = count.toLocaleString('en');
  return [
    { name: `one directory of ${text} names`, layers: [oneDirectory(count)] },
    { name: `${text} directories in one`, layers: [manyDirectories(count)] },
    { name: `${text} hard links`, layers: [hardLinks(count)] },
    { name: `${text} files, each with xattrs of its own`, layers: [ownXattrs(count)] },
    { name: '100 layers that change each of 2,500 directories', layers: manyLayers(100, 2500) },
    { name: 'a file of 1 TiB in 100,000 segments', layers: [sparseFile(100_000)] },
    {
      name: '10,000 files, --size 1T',
      layers: [syntheticTar(10_000)],
      options: ['--size', '1T'],
      isTooLargeToDigest: true,
    },
    { name: million ? '10 GiB in 10 files' : '1 GiB in 10 files', layers: [data(million ? 1024 : 102)] },
  ];
}

function oneDirectory(count: number): string {
  return tarFile(join(workFolder(), `one-directory-${count}.tar`), (tar) => {
    for (let i = 0; i < count; i++) tar.file(`directory/file-${i}.txt`);
  });
}

function manyDirectories(count: number): string {
  return tarFile(join(workFolder(), `directories-${count}.tar`), (tar) => {
    for (let i = 0; i < count; i++) tar.directory(`parent/directory-${i}`);
  });
}

function hardLinks(count: number): string {
  return tarFile(join(workFolder(), `hard-links-${count}.tar`), (tar) => {
    for (let i = 0; i < count; i++) {
      const target = `target-${Math.floor(i / NAMES_OF_ONE_FILE)}`;
      if (i % NAMES_OF_ONE_FILE === 0) tar.file(target, { body: TEXT });
      tar.hardLink(`d${Math.floor(i / 1000)}/link-${i}`, target);
    }
  });
}

function ownXattrs(count: number): string {
  return tarFile(join(workFolder(), `xattrs-${count}.tar`), (tar) => {
    for (let i = 0; i < count; i++) {
      const value = new TextEncoder().encode(`number ${i}`);
      tar.file(`d${Math.floor(i / 100)}/file-${i}`, { body: TEXT, xattrs: [{ name: 'user.number', value }] });
    }
  });
}

/** Each layer describes all directories again, replaces a file in each, adds one and removes what the one below it added. */
function manyLayers(count: number, directories: number): string[] {
  const folder = join(workFolder(), `layers-${count}-${directories}`);
  mkdirSync(folder, { recursive: true });
  return Array.from({ length: count }, (_, layer) =>
    tarFile(join(folder, `${layer}.tar`), (tar) => {
      for (let i = 0; i < directories; i++) {
        tar.directory(`d${i}`);
        tar.file(`d${i}/replaced`, { body: TEXT });
        tar.file(`d${i}/added-${layer}`);
        if (layer > 0) tar.file(`d${i}/.wh.added-${layer - 1}`);
      }
    }),
  );
}

function sparseFile(count: number): string {
  const distance = Math.floor(TEBIBYTE / count / BLOCK_BYTES) * BLOCK_BYTES;
  const segments = Array.from({ length: count }, (_, i) => ({ offset: i * distance, length: BLOCK_BYTES }));
  return tarFile(join(workFolder(), `sparse-${count}.tar`), (tar) =>
    tar.file('sparse', { segments, size: TEBIBYTE, body: new Uint8Array(BLOCK_BYTES).fill(0x73) }),
  );
}

/** Ten files of so many MiB of anything but zeros. */
function data(mebibytes: number): string {
  const piece = Uint8Array.from({ length: MEBIBYTE }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
  return tarFile(join(workFolder(), `data-${mebibytes}.tar`), (tar) => {
    for (let i = 0; i < 10; i++) tar.file(`file-${i}`, { body: piece, copies: mebibytes });
  });
}
