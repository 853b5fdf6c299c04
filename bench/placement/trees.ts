import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Every file and directory that a layer is made of has this time, in seconds. */
const TIME = 1_700_000_000;
const ELF = Buffer.from('\x7fELF', 'latin1');

/** Writes an application: 400 files of 100 bytes to a megabyte or two, 20 a directory, that are the same for the same name. */
export function makeApplication(folder: string, name: string): void {
  const random = generator(name);
  for (let i = 0; i < 400; i++) {
    const size = Math.floor(100 * 2 ** (random() * random() * 14.3));
    put(join(folder, 'srv', name, `part-${Math.floor(i / 20)}`, `file-${i}`), noise(size, random));
  }
}

/** Writes what a package in the size of an interpreter with its library might install: few large files, many small. */
export function makePackage(folder: string): void {
  const random = generator('package');
  put(join(folder, 'usr/bin/interpreter'), Buffer.concat([ELF, noise(4_000_000, random)]));
  for (let i = 0; i < 8; i++)
    put(join(folder, `usr/lib/interpreter/lib-${i}.so`), Buffer.concat([ELF, noise(90_000, random)]));
  for (let i = 0; i < 600; i++) {
    const size = 200 + Math.floor(30_000 * random() * random());
    put(join(folder, `usr/lib/interpreter/module-${Math.floor(i / 30)}/source-${i}.py`), noise(size, random));
  }
}

/** Turns a package into its next version: all programs are other ones, some sources change, one is gone, one is there. */
export function upgradePackage(folder: string): void {
  const files = filesOf(folder);
  const sources = files.filter((path) => path.endsWith('.py'));
  for (const path of files) {
    const bytes = readFileSync(path);
    if (!bytes.subarray(0, ELF.length).equals(ELF)) continue;
    for (let i = 64; i < bytes.length; i += 256) bytes[i] = bytes[i]! ^ 0xff;
    put(path, Buffer.concat([bytes, Buffer.alloc(bytes.length >> 8, 1)]));
  }
  sources.filter((_, i) => i % 25 === 5).forEach((path) => grow(path, 100));
  const [gone = ''] = sources.slice(sources.length >> 1);
  rmSync(gone);
  put(join(dirname(gone), 'added.py'), Buffer.alloc(5000, '# a new module\n'));
}

/** The files below a folder in the order of their paths; what symlinks lead to is not below it. */
export function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

/** The file below a folder whose size is the first in ascending order that is at least `size`. */
export function fileOfSize(folder: string, size: number): string {
  const found = filesOf(folder)
    .map((path) => ({ path, size: statSync(path).size }))
    .filter((file) => file.size >= size)
    .toSorted((a, b) => a.size - b.size)[0];
  if (found === undefined) throw new Error(`${folder} has no file of ${size} bytes`);
  return found.path;
}

/** Writes a file with the time that all have. */
export function put(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  utimesSync(path, TIME, TIME);
}

export function change(path: string): void {
  const bytes = readFileSync(path);
  bytes.fill('changed', bytes.length >> 1, (bytes.length >> 1) + 100);
  put(path, bytes);
}

export function grow(path: string, count: number): void {
  appendFileSync(path, Buffer.alloc(count, 'more '));
  utimesSync(path, TIME, TIME);
}

/** Numbers from 0 to 1 that look random, and are the same for the same seed. */
function generator(seed: string): () => number {
  let state = [...Buffer.from(seed)].reduce((sum, byte) => Math.imul(sum, 31) + byte, 7) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function noise(size: number, random: () => number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = random() * 256;
  return bytes;
}
