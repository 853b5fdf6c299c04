import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, type Writable } from 'node:stream';
import { type ByteString, displayName } from './core/bytes.ts';
import { ImageError } from './core/errors.ts';
import type { FullFormula } from './core/formula/cradle.ts';
import { Filesystem } from './core/ext4/reader/filesystem.ts';
import type { ReadInode } from './core/ext4/reader/inode.ts';
import { EntryType } from './core/layer/entry.ts';
import { exportTar } from './core/reading/export-tar.ts';
import type { BootFileOptions } from './guest/boot-files.ts';
import type { MachineChoice, RunningGuest } from './guest/run-guest.ts';
import { planInputs } from './image/open-image.ts';
import { openMergedImage } from './merged-image.ts';
import { openWritable } from './open-writable.ts';
import { runImage } from './run-image.ts';
import { materialize } from './sources/materialize.ts';
import { openingOf } from './sources/opening.ts';
import type { OpenLayersOptions } from './sources/open-layers.ts';
import { openTarFile } from './sources/open-tar.ts';
import { filesetOfDirectory, type OpenFileset } from './sources/ware/fileset.ts';

/** The guest that a formula runs in. */
export interface FormulaGuest extends MachineChoice, BootFileOptions {
  /** More of the kernel's command line. */
  readonly append?: string | undefined;
  /** Room for what it writes, in bytes. */
  readonly free: number;
  /** What it prints. */
  readonly output: Writable;
  /** What its kernel prints. */
  readonly onLog?: ((chunk: Uint8Array) => void) | undefined;
  /** Is told of the guest when it runs. */
  readonly onStart?: ((guest: RunningGuest) => void) | undefined;
}

/** What a command left. */
export interface Executed {
  readonly exitCode: number;
  /** The fileset below a path, without a leading slash; undefined where there is nothing. Throws `pack-invalid` as `partOf` does. */
  readonly outputAt: (path: ByteString) => Promise<OpenFileset | undefined>;
  close(): void;
}

/**
 * Runs the command of a formula in a guest, on an ext4 image of its workspace that it may write to; the workspace belongs to the image
 * then. Throws `guest-failed`, `tool-missing`, and as making and reading the image does.
 */
export async function execFormula(
  { action }: FullFormula,
  { layers }: OpenFileset,
  guest: FormulaGuest,
  options: OpenLayersOptions,
): Promise<Executed> {
  const { exec = [], env = new Map(), cwd, userinfo } = action;
  const { output, free, onLog } = guest;
  const { image } = await planInputs(
    { layers, references: [], partitions: [] },
    { mtime: 'keep', journal: true, free, symlinkedParents: 'error' },
  );
  const folder = mkdtempSync(join(tmpdir(), 'blockloom-formula-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const delta = join(folder, 'delta');
  try {
    const backend = await openWritable(image, { delta, signal: options.signal });
    const exitCode = await runImage(image, {
      ...guest,
      backend: await (typeof backend === 'function' ? backend() : backend),
      command: { command: exec, env: Array.from(env, ([name, value]) => `${name}=${value}`), workingDir: cwd },
      user: `${userinfo.uid}:${userinfo.gid}`,
      channel: 'pipes',
      isVerbose: onLog !== undefined,
      connections: { streams: { stdin: nothing(), stdout: output, stderr: output }, size: NO_TERMINAL, onLog },
    });
    const merged = await openMergedImage(image, delta, { signal: options.signal });
    const filesystem = new Filesystem(merged);
    const close = (): void => {
      merged.close();
      image.close();
      remove();
    };
    return { exitCode, outputAt: async (path) => outputOf(filesystem, path, options), close };
  } catch (error) {
    image.close();
    remove();
    throw error;
  }
}

const NO_TERMINAL = { rows: 24, columns: 80 };

/** A stream that has ended. */
function nothing(): PassThrough {
  const stream = new PassThrough();
  stream.end();
  return stream;
}

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
