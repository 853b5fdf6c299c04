import { type ByteString, displayName, utf8ByteString } from './core/bytes.ts';
import { ImageError } from './core/errors.ts';
import type { FullFormula } from './core/formula/cradle.ts';
import { Filesystem } from './core/ext4/reader/filesystem.ts';
import type { ReadInode } from './core/ext4/reader/inode.ts';
import { EntryType } from './core/layer/entry.ts';
import { exportTar } from './core/reading/export-tar.ts';
import type { FormulaMachine } from './formula-machine.ts';
import { planInputs } from './image/open-image.ts';
import { materialize } from './sources/materialize.ts';
import { openingOf } from './sources/opening.ts';
import type { OpenLayersOptions } from './sources/open-layers.ts';
import { openTarFile } from './sources/open-tar.ts';
import { filesetOfDirectory, type OpenFileset } from './sources/ware/fileset.ts';

/** What a command left. */
export interface Executed {
  readonly exitCode: number;
  /** The fileset below a path, without a leading slash; undefined where there is nothing. Throws `pack-invalid` as `partOf` does. */
  readonly outputAt: (path: ByteString) => Promise<OpenFileset | undefined>;
  close(): void;
}

/** How a command is run. */
export interface ExecOptions extends OpenLayersOptions {
  /** Room for what it writes, in bytes. */
  readonly free: number;
}

/**
 * Has a machine run the command of a formula on an ext4 image of its workspace; the workspace belongs to the image then. Throws
 * `job-invalid` for what cannot be started, what the machine throws, and as making and reading the image does.
 */
export async function execFormula(
  { action, warpforge }: FullFormula,
  { layers }: OpenFileset,
  machine: FormulaMachine,
  { free, ...options }: ExecOptions,
): Promise<Executed> {
  const { exec: argv = [], env = new Map(), cwd, userinfo, hostname, policy } = action;
  const { uid, gid } = userinfo;
  const { signal } = options;
  const { image } = await planInputs(
    { layers, references: [], partitions: [] },
    { mtime: 'keep', journal: true, free, symlinkedParents: 'error' },
  );
  try {
    const [program = ''] = argv;
    // Warpforge has such names looked for in PATH.
    const isSought = warpforge !== undefined && !program.includes('/');
    checkJob(new Filesystem(image), cwd, isSought ? undefined : program);
    const names = { hostname: hostname || undefined, policy };
    const run = await machine({ image, argv, env, cwd, uid, gid, ...names, signal });
    const filesystem = new Filesystem(run.disk);
    const close = (): void => {
      run.close();
      image.close();
    };
    return { exitCode: run.exitCode, outputAt: async (path) => outputOf(filesystem, path, options), close };
  } catch (error) {
    image.close();
    throw error;
  }
}

/** What Repeatr looks at before it starts a command: afterwards it would be an exit status that could mean other things. */
function checkJob(filesystem: Filesystem, cwd: string, program: string | undefined): void {
  const isThere = (path: string, type: EntryType): boolean => filesystem.resolve(utf8ByteString(path))?.type === type;
  const invalid = (what: string): ImageError => new ImageError('job-invalid', what);
  if (!isThere(cwd, EntryType.directory))
    throw invalid(`the working directory ${shown(cwd)} is not there, or is no directory`);
  if (program === undefined) return;
  if (!program.startsWith('/')) throw invalid(`the program ${shown(program)} is no absolute path`);
  if (!isThere(program, EntryType.file)) throw invalid(`the program ${shown(program)} is not there, or is no file`);
}

const shown = (text: string): string => JSON.stringify(text.slice(0, 200));

async function outputOf(
  filesystem: Filesystem,
  path: ByteString,
  options: OpenLayersOptions,
): Promise<OpenFileset | undefined> {
  const inode = directoryAt(filesystem, path);
  if (inode === undefined) return undefined;
  const opening = openingOf(`/${displayName(path)}`, { ...options, cache: false });
  const pieces = exportTar(filesystem, inode, path, { warn: opening.onWarning });
  const layer = openTarFile(await materialize(inTurn(pieces), opening), opening);
  // Repeatr packs from a directory, of which it takes no extended attributes.
  return filesetOfDirectory({ ...layer, index: { ...layer.index, xattrSet: new Uint8Array(layer.index.count) } });
}

/** No symlink is followed. */
function directoryAt(filesystem: Filesystem, path: ByteString): ReadInode | undefined {
  const names = path.split('/').filter((name) => name !== '');
  let inode = filesystem.resolve('', { followLast: false });
  for (let count = 1; count <= names.length; count++) {
    inode = filesystem.resolve(names.slice(0, count).join('/'), { followLast: false });
    if (inode === undefined) return undefined;
    if (inode.type === EntryType.directory) continue;
    throw new ImageError('pack-invalid', `/${displayName(path)} is no directory, or lies behind what is none`);
  }
  return inode;
}

async function* inTurn(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces;
}
