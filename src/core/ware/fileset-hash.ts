import { byteString } from '../bytes.ts';
import { assert } from '../errors.ts';
import { EntryType } from '../layer/entry.ts';
import { base58 } from './base58.ts';
import { CborWriter } from './cbor.ts';
import type { FilesetNode } from './walk-fileset.ts';

/** A SHA-384 in progress: the host's own. */
export interface Sha384 {
  update(bytes: Uint8Array): void;
  /** The 48 bytes; nothing may follow. */
  digest(): Uint8Array;
}

/** The letters that stand for what a node is. */
const TYPE_LETTER: Readonly<Record<EntryType, string>> = {
  [EntryType.file]: 'f',
  [EntryType.directory]: 'd',
  [EntryType.symlink]: 'L',
  [EntryType.fifo]: 'p',
  [EntryType.socket]: 'S',
  [EntryType.blockDevice]: 'D',
  [EntryType.characterDevice]: 'c',
  [EntryType.hardLink]: 'h',
};

/**
 * The hash of a fileset as rio computes it, from the nodes in the order of wares. A file's is over its metadata and the SHA-384 of its
 * content, a directory's over its metadata and the hashes of what is in it. Symlinks, devices, fifos and sockets contribute nothing,
 * a defect of rio that is kept: a ware's name says nothing about them.
 */
export class FilesetHash {
  readonly #sha384: () => Sha384;
  readonly #open: Sha384[] = [];
  #root: Uint8Array | undefined;

  constructor(sha384: () => Sha384) {
    this.#sha384 = sha384;
  }

  enterDirectory(node: FilesetNode): void {
    const hash = this.#sha384();
    hash.update(head(node).text('l').openArray().finish());
    this.#open.push(hash);
  }

  leaveDirectory(): void {
    const hash = this.#open.pop();
    assert(hash !== undefined, 'a directory that is left was entered');
    hash.update(new CborWriter().end().finish());
    this.#add(hash.digest());
  }

  /** `content` is the SHA-384 of the file's bytes. */
  file(node: FilesetNode, content: Uint8Array): void {
    const hash = this.#sha384();
    hash.update(head(node).text('h').bytes(content).finish());
    this.#add(hash.digest());
  }

  /** In base 58, of the root that was left last. */
  finish(): string {
    assert(this.#root !== undefined && this.#open.length === 0, 'a fileset is hashed whole');
    return base58(this.#root);
  }

  #add(hash: Uint8Array): void {
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#root = hash;
    else parent.update(new CborWriter().bytes(hash).finish());
  }
}

/** The map of metadata and one other key, with the metadata in it. */
function head(node: FilesetNode): CborWriter {
  const writer = new CborWriter().map(2).text('m');
  writeMetadata(writer, node);
  return writer;
}

function writeMetadata(writer: CborWriter, node: FilesetNode): void {
  const isDevice = node.type === EntryType.blockDevice || node.type === EntryType.characterDevice;
  const hasLink = node.linkPath !== '';
  const { xattrs } = node;
  writer.map(7 + Number(hasLink) + 2 * Number(isDevice) + Number(xattrs.length > 0));
  writer.text('n').text(node.name);
  writer.text('t').text(TYPE_LETTER[node.type]);
  writer.text('p').integer(node.mode);
  writer.text('u').integer(node.uid);
  writer.text('g').integer(node.gid);
  if (hasLink) writer.text('l').text(node.linkPath);
  if (isDevice) writer.text('dM').integer(node.deviceMajor).text('dm').integer(node.deviceMinor);
  writer.text('m').integer(node.mtimeSeconds);
  writer.text('mn').integer(node.mtimeNanoseconds);
  if (xattrs.length === 0) return;
  writer.text('x').map(xattrs.length);
  for (const { name, value } of [...xattrs].sort((a, b) => (a.name < b.name ? -1 : 1)))
    writer.text(name).text(byteString(value));
}
