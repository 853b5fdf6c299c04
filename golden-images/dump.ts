import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import type { ImageOptions } from '../src/image/options.ts';
import type { Recipe } from './recipe.ts';
import { type ByteString, byteString, bytesOf, displayName } from '../src/core/bytes.ts';

/** Files up to this length are dumped with the digest of their content, in bytes. */
const CONTENT_MAX = 2 ** 26;

/** A directory of more names is dumped with the digest of them all, instead of a line for each. */
const NAMES_MAX = 2000;

/** What an image is dumped as: its filesystem, or the disk that it is. */
type DumpKind = NonNullable<ImageOptions['fs']> | 'disk';

export const dumpKindOf = ({ options, disk }: Pick<Recipe, 'options' | 'disk'>): DumpKind =>
  disk === undefined ? (options?.fs ?? 'ext4') : 'disk';

const DUMP_TOOLS: Readonly<Record<DumpKind, readonly (readonly [command: string, argument: string])[]>> = {
  ext4: [
    ['dumpe2fs', '-V'],
    ['debugfs', '-V'],
  ],
  ext2: [
    ['dumpe2fs', '-V'],
    ['debugfs', '-V'],
  ],
  vfat: [['mtools', '--version']],
  tar: [['tar', '--version']],
  disk: [['sfdisk', '--version']],
};

/** Whether the programs are there that dumps of a kind are made with. */
export function hasDumpTools(kind: DumpKind): boolean {
  return DUMP_TOOLS[kind].every(([tool, argument]) => spawnSync(tool, [argument]).status === 0);
}

/** What the tools of a kind say of an image; `folder` is for files in between. */
export function dump(image: string, folder: string, kind: DumpKind): string {
  if (kind === 'disk') return run('sfdisk', ['--dump', image]).toString().replaceAll(image, 'disk');
  if (kind === 'tar') return dumpTar(image);
  return kind === 'vfat' ? dumpFat(image) : dumpExt4(image, folder);
}

/** What mtools say: the fields of the boot sector, then the directories. */
function dumpFat(image: string): string {
  const fields = run('minfo', ['-i', image, '::']).toString();
  const listing = run('mdir', ['-/', '-a', '-i', image, '::']).toString();
  // Lines with the image's path, and those with what is in none.
  const kept = `${fields}\n${listing}`.split('\n').filter((line) => !line.includes(image));
  return `${kept
    .map((line) => line.trimEnd())
    .join('\n')
    .trim()}\n`;
}

/** What GNU tar says. */
function dumpTar(image: string): string {
  return run('tar', [
    '--list',
    '--verbose',
    '--numeric-owner',
    '--full-time',
    '--block-number',
    '-f',
    image,
  ]).toString();
}

/**
 * What e2fsprogs say of an image: its superblock and groups, its record, then a line for every name: path, mode, owner, links, size,
 * content (digest, target or device), time and xattrs. `folder` is for files in between.
 */
function dumpExt4(image: string, folder: string): string {
  // As text that editors leave alone.
  const header = run('dumpe2fs', [image])
    .toString('latin1')
    .trim()
    .replaceAll('\t', ' ')
    .replaceAll('bg #', 'group ')
    .replace(/ +$/gm, '');
  const { names, crowds } = walk(image);
  const stats = statAll(image, names);
  const content = extract(image, stats, folder);
  const lines = names.map(({ path, ino, mode }) => {
    const details = [mode, describeStat(stats.get(ino) ?? ''), content.get(ino) ?? '', crowds.get(ino) ?? ''].filter(
      (text) => text !== '',
    );
    return `/${displayName(path)} ${details.join(' ')}`;
  });
  const record = run('debugfs', ['-R', 'cat <5>', image]).toString();
  return `${header}\n\n${record}\n${lines.join('\n')}\n`;
}

interface Name {
  readonly path: ByteString;
  readonly ino: number;
  /** Octal, with the file type. */
  readonly mode: string;
}

/** All names in byte order, level by level, as debugfs lists them, and by inode what is said of directories with too many. */
function walk(image: string): { names: Name[]; crowds: Map<number, string> } {
  const found: Name[] = [{ path: '', ino: 2, mode: '040000' }];
  const crowds = new Map<number, string>();
  for (let level: Name[] = [...found]; level.length > 0; ) {
    const listings = debugfs(
      image,
      level.map(({ ino }) => `ls -p <${ino}>`),
    )
      .split(/^debugfs: ls -p <\d+>\n/m)
      .slice(1);
    const below = level.flatMap((parent, i) => {
      const names = children(parent.path, listings[i] ?? '');
      if (names.length <= NAMES_MAX) return names;
      crowds.set(parent.ino, describeCrowd(names));
      return [];
    });
    found.push(...below);
    level = below.filter(({ mode }) => mode.startsWith('04'));
  }
  return { names: found, crowds };
}

function describeCrowd(names: readonly Name[]): string {
  const hash = createHash('sha256');
  for (const { path, ino, mode } of names) hash.update(bytesOf(`${path} ${ino} ${mode}\n`));
  return `with ${names.length} names: ${hash.digest('hex')}`;
}

function children(parent: ByteString, listing: string): Name[] {
  const names = [...listing.matchAll(/^\/(\d+)\/(\d+)\/-?\d+\/-?\d+\/([^/]+)\/\d*\/$/gm)]
    .map(([, ino = '', mode = '', name = '']) => ({
      path: parent === '' ? name : `${parent}/${name}`,
      ino: Number(ino),
      mode,
      name,
    }))
    .filter(({ name, ino }) => ino !== 0 && name !== '.' && name !== '..');
  return names.sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ path, ino, mode }) => ({ path, ino, mode }));
}

/** What debugfs says of every inode. */
function statAll(image: string, names: readonly Name[]): Map<number, string> {
  const inos = [...new Set(names.map(({ ino }) => ino))];
  const requests = inos.map((ino) => `stat <${ino}>`);
  const parts = debugfs(image, requests).split(/^debugfs: stat <\d+>\n/m);
  return new Map(inos.map((ino, i) => [ino, parts[i + 1] ?? '']));
}

/** Owner, links, size, device, time, target, xattrs and extents of an inode. */
function describeStat(stat: string): string {
  const field = (pattern: RegExp): string => pattern.exec(stat)?.[1] ?? '';
  const size = field(/Size: (\d+)\n/);
  const xattrs = field(/Extended attributes:\n([^]*?)(?:\n(?:Inode checksum|EXTENTS|BLOCKS|Fast link)|$)/);
  const extents = field(/EXTENTS:\n([^]*)/).trim();
  return [
    `${field(/User: +(-?\d+)/)}:${field(/Group: +(-?\d+)/)}`,
    `links ${field(/Links: (\d+)/)}`,
    size && `size ${size}`,
    field(/(Device major.*)/).trim(),
    `mtime ${field(/mtime: (0x[\da-f]+(?::[\da-f]+)?)/)}`,
    field(/Fast link dest: ("[^]*")\n/) && `-> ${field(/Fast link dest: ("[^]*")\n/)}`,
    xattrs &&
      `xattrs ${xattrs
        .split('\n')
        .map((line) => line.trim())
        .join('; ')}`,
    extents && `extents ${shortened(extents.replaceAll('\n', ' '))}`,
  ]
    .filter((text) => text !== '')
    .join(' ');
}

const shortened = (text: string): string => (text.length <= 400 ? text : `${text.slice(0, 400)}…`);

/** The digest of what every file holds, and every symlink whose target its inode does not hold. */
function extract(image: string, stats: ReadonlyMap<number, string>, folder: string): Map<number, string> {
  const target = join(folder, 'content');
  mkdirSync(target);
  const inos = [...stats.keys()].filter((ino) => isExtracted(stats.get(ino) ?? ''));
  const requests = inos.map((ino) => `dump <${ino}> ${join(target, String(ino))}`);
  debugfs(image, requests);
  const digest = (ino: number): string =>
    createHash('sha256')
      .update(readFileSync(join(target, String(ino))))
      .digest('hex');
  return new Map(inos.map((ino) => [ino, digest(ino)]));
}

function isExtracted(stat: string): boolean {
  if (/Type: symlink/.test(stat)) return !stat.includes('Fast link dest');
  return /Type: regular/.test(stat) && Number(/Size: (\d+)\n/.exec(stat)?.[1]) <= CONTENT_MAX;
}

function debugfs(image: string, requests: readonly string[]): ByteString {
  return byteString(run('debugfs', ['-f', '-', image], bytesOf(`${requests.join('\n')}\n`)));
}

function run(command: string, args: readonly string[], input?: Uint8Array): Buffer {
  const env = { ...process.env, TZ: 'UTC', LC_ALL: 'C' };
  const { status, stdout, error } = spawnSync(command, args, { env, input, maxBuffer: 2 ** 28 });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ended with ${status}`);
  return stdout;
}
