import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { bytesOf, displayName } from '../core/bytes.ts';
import { ImageError } from '../core/errors.ts';
import { EntryType } from '../core/layer/entry.ts';
import type { FilesetEvent } from '../core/ware/read-fileset.ts';
import type { FilesetNode } from '../core/ware/walk-fileset.ts';
import { drain } from '../sources/ware/drain.ts';
import { outputFailure } from './failure.ts';

/** How a fileset is written to a directory. */
export interface WriteFilesetOptions {
  /** Told once of what a directory of this host cannot be given. */
  readonly onWarning?: ((warning: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a fileset as the directory `path`, which is not there yet or empty: under a temporary name beside it that is renamed when all
 * of it is there. Returns its hash. Throws `output-exists`, `output-failed`, or what reading throws; then nothing is left behind.
 */
export async function writeFileset(
  events: Generator<FilesetEvent, string>,
  path: string,
  { onWarning = () => undefined, signal }: WriteFilesetOptions = {},
): Promise<string> {
  checkFree(path);
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const writer = new DirectoryWriter(temporary, onWarning);
  try {
    const hash = await drain(events, signal, (event) => writer.take(event));
    fs.renameSync(temporary, path);
    return hash;
  } catch (error) {
    writer.abandon();
    fs.rmSync(temporary, { recursive: true, force: true });
    throw outputFailure(path, error);
  }
}

function checkFree(path: string): void {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isDirectory()) throw new ImageError('output-exists', `${path} exists, and is no directory`);
  if (fs.readdirSync(path).length > 0) throw new ImageError('output-exists', `${path} exists, and is not empty`);
}

/** Makes what events tell of. */
class DirectoryWriter {
  readonly #root: Buffer;
  readonly #warn: (warning: string) => void;
  #fd: number | undefined;
  #hasWarned = false;

  constructor(root: string, warn: (warning: string) => void) {
    this.#root = Buffer.from(root);
    this.#warn = warn;
  }

  take(event: FilesetEvent): void {
    if (event.kind === 'bytes') writeWhole(this.#fd!, event.bytes);
    else if (event.kind === 'begins') this.#begin(event.node);
    else this.#end(event.node);
  }

  /** Closes what is open. */
  abandon(): void {
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    this.#fd = undefined;
  }

  #begin(node: FilesetNode): void {
    const path = this.#pathOf(node);
    if (node.xattrs.length > 0) this.#warnOfXattrs(node);
    if (node.type === EntryType.directory) fs.mkdirSync(path, 0o700);
    else if (node.type === EntryType.file) this.#fd = fs.openSync(path, 'wx', 0o600);
    else if (node.type === EntryType.symlink) {
      fs.symlinkSync(Buffer.from(bytesOf(node.linkPath)), path);
      fs.lchownSync(path, node.uid, node.gid);
      fs.lutimesSync(path, timeOf(node), timeOf(node));
    } else {
      makeNode(node, path);
      finish(node, path);
    }
  }

  #end(node: FilesetNode): void {
    this.abandon();
    finish(node, this.#pathOf(node));
  }

  #pathOf({ path }: FilesetNode): Buffer {
    return path === '' ? this.#root : Buffer.concat([this.#root, bytesOf(`/${path}`)]);
  }

  #warnOfXattrs({ path }: FilesetNode): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#warn(`${displayName(path)}: extended attributes are not written to directories`);
  }
}

/** A change of the owner clears set-id bits, anything the time. */
function finish(node: FilesetNode, path: Buffer): void {
  fs.chownSync(path, node.uid, node.gid);
  fs.chmodSync(path, node.mode);
  fs.utimesSync(path, timeOf(node), timeOf(node));
}

const timeOf = ({ mtimeSeconds, mtimeNanoseconds }: FilesetNode): number => mtimeSeconds + mtimeNanoseconds / 1e9;

function writeWhole(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done);
}

const LETTER: Readonly<Partial<Record<EntryType, string>>> = {
  [EntryType.fifo]: 'p',
  [EntryType.characterDevice]: 'c',
  [EntryType.blockDevice]: 'b',
};

/** Node.js has no call for devices and fifos. Throws `output-failed`. */
function makeNode(node: FilesetNode, path: Buffer): void {
  const refuse = (why: string): ImageError =>
    new ImageError('output-failed', `cannot make ${displayName(node.path)}: ${why}`);
  const name = path.toString();
  if (!Buffer.from(name).equals(path)) throw refuse('mknod is not given names that are not UTF-8');
  const numbers = node.type === EntryType.fifo ? [] : [String(node.deviceMajor), String(node.deviceMinor)];
  const { status, stderr, error } = spawnSync('mknod', ['--', name, LETTER[node.type] ?? '', ...numbers]);
  if (error !== undefined) throw refuse('mknod cannot be run');
  if (status !== 0) throw refuse(stderr.toString().trim().slice(0, 200));
}
