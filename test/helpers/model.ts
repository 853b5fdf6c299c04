import type { ByteString } from '../../src/core/bytes.ts';
import type { TarEntry } from './tar-writer.ts';

/**
 * What a stack of layers means, as plainly as it can be said: a map of objects, one entry after another. Shares no code
 * with the merging that it judges.
 */
export interface ModelNode {
  kind: 'file' | 'directory' | 'symlink' | 'character' | 'block' | 'fifo';
  mode: number;
  uid: number;
  gid: number;
  /** Nanoseconds since 1970. */
  time: bigint;
  xattrs: ReadonlyMap<ByteString, Uint8Array>;
  /** A file's length in bytes, and where it has data. */
  size: number;
  segments: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
  target: ByteString;
  major: number;
  minor: number;
  children: Map<ByteString, ModelName>;
}

interface ModelName {
  node: ModelNode;
  /** The layer that put this name here. */
  layer: number;
}

export type SymlinkedParents = 'follow' | 'replace' | 'error';

/** The layers mean nothing: `entry` of `layer` (counted from 0) is refused. */
export class Refused extends Error {
  readonly layer: number;
  readonly entry: number;

  constructor(layer: number, entry: number, why: string) {
    super(`layer ${layer}, entry ${entry}: ${why}`);
    this.layer = layer;
    this.entry = entry;
  }
}

/** The time of what no layer mentions, in seconds since 1970. */
const MODEL_EPOCH = 1262304000;
const SYMLINKS_MAX = 40;

/** The root of what the layers mean. Throws Refused. */
export function modelOf(
  layers: readonly (readonly TarEntry[])[],
  symlinkedParents: SymlinkedParents = 'follow',
): ModelNode {
  const model = new Model(symlinkedParents);
  for (const entries of layers) model.apply(entries);
  const kind = model.root.children.get('lost+found')?.node.kind ?? 'directory';
  if (kind !== 'directory') throw new Refused(...lastNaming(layers, 'lost+found'), 'ext4 needs a directory there');
  return model.root;
}

/** The layer and the place in it of the last entry that names something, else of the last of all. */
function lastNaming(layers: readonly (readonly TarEntry[])[], text: ByteString): [layer: number, entry: number] {
  const names = layers.map((entries) =>
    entries.findLastIndex(({ name, linkName }) => `${name} ${linkName}`.includes(text)),
  );
  const layer = names.findLastIndex((entry) => entry >= 0);
  return layer >= 0 ? [layer, names[layer]!] : [layers.length - 1, layers.at(-1)!.length - 1];
}

class Model {
  readonly root = directory();
  readonly #symlinkedParents: SymlinkedParents;
  #layer = -1;
  #entry = 0;
  /** What hard links of this layer name whose target is not there yet. */
  readonly #waiting = new Map<ModelNode, { names: ModelName[]; target: readonly ByteString[]; entry: number }>();

  constructor(symlinkedParents: SymlinkedParents) {
    this.#symlinkedParents = symlinkedParents;
  }

  apply(entries: readonly TarEntry[]): void {
    this.#layer++;
    entries.forEach((entry, i) => {
      this.#entry = i;
      this.#applyEntry(entry);
    });
    this.#resolveWaiting();
  }

  #applyEntry(entry: TarEntry): void {
    const path = this.#normal(entry.name);
    if (path.length === 0) {
      if (kindOf(entry) !== 'directory') this.#refuse('the root is a directory');
      setMetadata(this.root, entry);
      return;
    }
    const [parents, name] = [path.slice(0, -1), path.at(-1)!];
    if (name.startsWith('.wh.')) {
      this.#whiteout(parents, name);
      return;
    }
    if (kindOf(entry) === 'hardlink') {
      this.#hardLink(path, this.#normal(entry.linkName ?? ''));
      return;
    }
    const parent = this.#makeDirectory(parents);
    const old = parent.children.get(name);
    const node = nodeOf(entry);
    if (node.kind === 'directory' && old?.node.kind === 'directory') {
      setMetadata(old.node, entry);
      old.layer = this.#layer;
    } else parent.children.set(name, { node, layer: this.#layer });
  }

  #whiteout(parents: readonly ByteString[], name: ByteString): void {
    const hidden = name.slice(4);
    if (hidden === '' || hidden === '.' || hidden === '..') this.#refuse('a whiteout of nothing');
    if (hidden.startsWith('.wh.') && hidden !== '.wh..opq') return;
    const parent = this.#findDirectory(parents);
    if (parent === undefined) return;
    if (hidden === '.wh..opq') {
      for (const child of parent.children.keys()) this.#hideLower(parent, child);
    } else this.#hideLower(parent, hidden);
  }

  /** Takes from a name what lower layers gave it; what this layer gave stays, below it too. */
  #hideLower(parent: ModelNode, name: ByteString): void {
    const found = parent.children.get(name);
    if (found === undefined) return;
    for (const child of found.node.children.keys()) this.#hideLower(found.node, child);
    if (found.layer === this.#layer) return;
    if (found.node.children.size === 0) parent.children.delete(name);
    else {
      const node = { ...this.#missing(parent, name), children: found.node.children };
      parent.children.set(name, { node, layer: this.#layer });
    }
  }

  #hardLink(path: readonly ByteString[], target: readonly ByteString[]): void {
    const parent = this.#makeDirectory(path.slice(0, -1));
    const node = this.#linkable(target) ?? this.#wait(target);
    const name = { node, layer: this.#layer };
    parent.children.set(path.at(-1)!, name);
    this.#waiting.get(node)?.names.push(name);
  }

  #linkable(target: readonly ByteString[]): ModelNode | undefined {
    const node = this.#find(target);
    if (node?.kind === 'directory') this.#refuse('a hard link to a directory');
    return node;
  }

  /** What stands for a target that is not there yet. */
  #wait(target: readonly ByteString[]): ModelNode {
    const node: ModelNode = { ...directory(), kind: 'file' };
    this.#waiting.set(node, { names: [], target, entry: this.#entry });
    return node;
  }

  /** Links that wait get their targets. One whose name was taken in the meantime must have one all the same. */
  #resolveWaiting(): void {
    for (let before = Infinity; this.#waiting.size < before; ) {
      before = this.#waiting.size;
      for (const [waiting, { names, target, entry }] of this.#waiting) {
        this.#entry = entry;
        const node = this.#linkable(target);
        if (node === undefined || this.#waiting.has(node)) continue;
        for (const name of names) name.node = node;
        this.#waiting.delete(waiting);
      }
    }
    for (const { entry } of this.#waiting.values()) {
      this.#entry = entry;
      this.#refuse('nothing to link to');
    }
  }

  #find(path: readonly ByteString[]): ModelNode | undefined {
    if (path.length === 0) return this.root;
    return this.#findDirectory(path.slice(0, -1))?.children.get(path.at(-1)!)?.node;
  }

  #findDirectory(path: readonly ByteString[]): ModelNode | undefined {
    return this.#walk(path, false);
  }

  #makeDirectory(path: readonly ByteString[]): ModelNode {
    return this.#walk(path, true)!;
  }

  /** The directory of a path, symlinks followed inside the root; made where it is missing or something else, when asked to. */
  #walk(path: readonly ByteString[], make: boolean): ModelNode | undefined {
    const at: ModelNode[] = [this.root];
    const left = path.toReversed();
    for (let symlinks = 0; left.length > 0; ) {
      const name = left.pop()!;
      const here = at.at(-1)!;
      if (name === '' || name === '.') continue;
      if (name === '..') {
        if (at.length > 1) at.pop();
        continue;
      }
      const found = here.children.get(name)?.node;
      if (found?.kind === 'directory') {
        at.push(found);
        continue;
      }
      if (found?.kind === 'symlink' && this.#symlinkedParents === 'error') this.#refuse('a symlinked parent');
      if (found?.kind === 'symlink' && this.#symlinkedParents === 'follow') {
        if (++symlinks > SYMLINKS_MAX) this.#refuse('too many symlinks');
        if (found.target.startsWith('/')) at.length = 1;
        left.push(...found.target.split('/').toReversed());
        continue;
      }
      if (!make) return undefined;
      if (name.length > 255) this.#refuse('a symlink to a name that is too long');
      const made = this.#missing(here, name);
      here.children.set(name, { node: made, layer: this.#layer });
      at.push(made);
    }
    return at.at(-1);
  }

  /** A directory that no entry describes. ext4's own is the superuser's. */
  #missing(parent: ModelNode, name: ByteString): ModelNode {
    return parent === this.root && name === 'lost+found' ? { ...directory(), mode: 0o700 } : directory();
  }

  #normal(name: ByteString): ByteString[] {
    const path: ByteString[] = [];
    for (const component of split(name)) {
      if (component === '..' && path.pop() === undefined) this.#refuse('leaves the root');
      if (component !== '..') path.push(component);
    }
    return path;
  }

  #refuse(why: string): never {
    throw new Refused(this.#layer, this.#entry, why);
  }
}

function split(path: ByteString): ByteString[] {
  return path.split('/').filter((component) => component !== '' && component !== '.');
}

function directory(): ModelNode {
  return {
    kind: 'directory',
    mode: 0o755,
    uid: 0,
    gid: 0,
    time: BigInt(MODEL_EPOCH) * 1_000_000_000n,
    xattrs: new Map(),
    size: 0,
    segments: [],
    target: '',
    major: 0,
    minor: 0,
    children: new Map(),
  };
}

function kindOf(entry: TarEntry): ModelNode['kind'] | 'hardlink' {
  if (entry.sparse !== undefined) return 'file';
  return (entry.type ?? (entry.name.endsWith('/') ? 'directory' : 'file')) as ModelNode['kind'] | 'hardlink';
}

function nodeOf(entry: TarEntry): ModelNode {
  const node = directory();
  node.kind = kindOf(entry) as ModelNode['kind'];
  setMetadata(node, entry);
  if (node.kind === 'file') setContent(node, entry);
  if (node.kind === 'symlink') node.target = entry.linkName ?? '';
  if (node.kind === 'character' || node.kind === 'block') {
    node.major = entry.deviceMajor ?? 0;
    node.minor = entry.deviceMinor ?? 0;
  }
  return node;
}

function setMetadata(node: ModelNode, entry: TarEntry): void {
  node.mode = entry.mode ?? (node.kind === 'directory' ? 0o755 : 0o644);
  node.uid = entry.uid ?? 0;
  node.gid = entry.gid ?? 0;
  node.time = nanoseconds(entry.mtime ?? 0);
  node.xattrs = new Map(Object.entries(entry.xattrs ?? {}).map(([name, value]) => [name, bytes(value)]));
}

function setContent(node: ModelNode, entry: TarEntry): void {
  const data = bytes(entry.data ?? '');
  node.size = entry.sparse?.size ?? data.length;
  let at = 0;
  node.segments = (entry.sparse?.segments ?? [{ offset: 0, length: data.length }]).map(({ offset, length }) => {
    at += length;
    return { offset, bytes: data.subarray(at - length, at) };
  });
}

/** `'-1.5'` is half a second before -1. */
function nanoseconds(time: number | string): bigint {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d{1,9}))?/.exec(String(time)) ?? [];
  const value = BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
  return sign === '-' ? -value : value;
}

function bytes(value: ByteString | Uint8Array): Uint8Array {
  return typeof value === 'string' ? Uint8Array.from(value, (character) => character.charCodeAt(0)) : value;
}

/** Every path of a model with its node; the root's path is empty. */
export function* walkModel(node: ModelNode, path: ByteString = ''): Generator<[ByteString, ModelNode]> {
  yield [path, node];
  for (const [name, child] of node.children) yield* walkModel(child.node, path === '' ? name : `${path}/${name}`);
}
