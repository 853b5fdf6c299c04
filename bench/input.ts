import {
  copyFileSync,
  createReadStream,
  createWriteStream,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import * as tar from 'tar-stream';

/** One input in the three forms in which it is measured. */
export interface Input {
  readonly directory: string;
  readonly tar: string;
  readonly gzip: string;
  readonly entries: number;
  readonly bytes: number;
}

export type Size = 'full' | 'ci';

/** The most files and bytes of the machine's own /usr that are taken, and the largest file. */
const LIMITS = {
  full: { files: 25_000, bytes: 600e6, fileBytes: 4e6 },
  ci: { files: 2_000, bytes: 40e6, fileBytes: 1e6 },
} as const;

/** Where inputs and outputs lie: outside the repository, kept between runs. */
export function workFolder(): string {
  const folder = process.env['BLOCKLOOM_BENCH_DIR'] ?? join(tmpdir(), 'blockloom-bench');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The files of /usr as a directory, a tar and a tar.gz; made when they are not there yet. */
export async function usrInput(size: Size): Promise<Input> {
  const folder = join(workFolder(), `usr-${size}`);
  const input = { directory: join(folder, 'tree'), tar: join(folder, 'usr.tar'), gzip: join(folder, 'usr.tar.gz') };
  if (!existsSync(input.gzip)) {
    rmSync(folder, { recursive: true, force: true });
    const paths = copySome('/usr', input.directory, LIMITS[size]);
    await writeTar(input.directory, paths, input.tar);
    await pipeline(createReadStream(input.tar), createGzip(), createWriteStream(`${input.gzip}.part`));
    renameSync(`${input.gzip}.part`, input.gzip);
  }
  return { ...input, entries: walk(input.directory).length, bytes: lstatSync(input.tar).size };
}

/** Paths below `root`, directories before what they hold. */
function walk(root: string): string[] {
  const found: string[] = [];
  const visit = (path: string): void => {
    for (const entry of readdirSync(join(root, path), { withFileTypes: true }).toSorted(byName)) {
      const child = join(path, entry.name);
      if (!entry.isDirectory() && !entry.isFile() && !entry.isSymbolicLink()) continue;
      found.push(child);
      if (entry.isDirectory()) visit(child);
    }
  };
  visit('');
  return found;
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);

/** Copies files and symlinks, with the directories that lead to them, until a limit is met. Returns what was copied. */
function copySome(
  from: string,
  to: string,
  limits: { readonly files: number; readonly bytes: number; readonly fileBytes: number },
): string[] {
  let files = 0;
  let bytes = 0;
  for (const path of walk(from)) {
    const source = join(from, path);
    const stats = lstatSync(source);
    if (stats.isDirectory() || stats.size > limits.fileBytes || bytes + stats.size > limits.bytes) continue;
    mkdirSync(dirname(join(to, path)), { recursive: true });
    if (stats.isSymbolicLink()) symlinkSync(readlinkSync(source), join(to, path));
    else copyFileSync(source, join(to, path));
    bytes += stats.size;
    if (++files === limits.files) break;
  }
  return walk(to);
}

async function writeTar(root: string, paths: readonly string[], file: string): Promise<void> {
  const pack = tar.pack();
  const written = pipeline(pack, createWriteStream(file));
  for (const name of paths) {
    const stats = lstatSync(join(root, name));
    const header = { name, mode: stats.mode & 0o7777, mtime: stats.mtime };
    if (stats.isDirectory()) await add(pack, { ...header, type: 'directory' });
    else if (stats.isSymbolicLink())
      await add(pack, { ...header, type: 'symlink', linkname: readlinkSync(join(root, name)) });
    else await add(pack, { ...header, type: 'file' }, readFileSync(join(root, name)));
  }
  pack.finalize();
  await written;
}

async function add(pack: tar.Pack, header: Parameters<tar.Pack['entry']>[0], body?: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const done = (error?: Error | null): void => (error ? reject(error) : resolve());
    if (body === undefined) pack.entry(header, done);
    else pack.entry(header, body, done);
  });
}
