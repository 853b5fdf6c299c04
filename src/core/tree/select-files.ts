import { type ByteString, bytesOf, byteString, displayName } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import { EntryType } from '../layer/entry.ts';
import type { NameOrder } from './order.ts';
import { NONE, ROOT, type Tree } from './tree.ts';

/** A component of a pattern: a name, what a name has to match, or any number of directories. */
type Component = Uint8Array | RegExp | 'any';

/**
 * The regular files of a tree that any of some patterns selects, as 1 by inode. A pattern is a path from the root, in which `*` and
 * `?` match within a name, `[a-z]` and `[!a-z]` one byte, `**` any number of directories, and `\` takes the next character's meaning; a
 * directory selects all files below. Symlinks are not followed. Throws `path-not-found` for a pattern that selects none.
 */
export function selectFiles(tree: Tree, names: NameOrder, patterns: readonly ByteString[]): Uint8Array {
  const selected = new Uint8Array(tree.inodeCount);
  for (const pattern of patterns) {
    const count = new Selection(tree, names, selected).select(componentsOf(pattern));
    if (count === 0) throw new ImageError('path-not-found', `the image has no file at ${displayName(pattern)}`);
  }
  return selected;
}

/** What one pattern selects. */
class Selection {
  readonly #tree: Tree;
  readonly #names: NameOrder;
  readonly #selected: Uint8Array;
  /** Inodes, and from which component on they are to be matched; each pair once. */
  readonly #pending: { readonly inode: number; readonly from: number }[] = [];
  readonly #seen = new Set<number>();
  #count = 0;

  constructor(tree: Tree, names: NameOrder, selected: Uint8Array) {
    this.#tree = tree;
    this.#names = names;
    this.#selected = selected;
  }

  select(components: readonly Component[]): number {
    const visit = (inode: number, from: number): void => {
      const key = inode * (components.length + 1) + from;
      if (this.#seen.has(key)) return;
      this.#seen.add(key);
      this.#pending.push({ inode, from });
    };
    visit(ROOT, 0);
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      const { inode, from } = next;
      const component = components[from];
      if (!this.#tree.isDirectory(inode)) {
        if (component === undefined) this.#take(inode);
      } else if (component === undefined) {
        for (const dentry of this.#dentriesOf(inode)) visit(this.#tree.dentryInode.values[dentry]!, from);
      } else if (component === 'any') {
        visit(inode, from + 1);
        for (const dentry of this.#dentriesOf(inode)) visit(this.#tree.dentryInode.values[dentry]!, from);
      } else if (component instanceof RegExp) {
        for (const dentry of this.#dentriesOf(inode))
          if (component.test(this.#nameOf(dentry))) visit(this.#tree.dentryInode.values[dentry]!, from + 1);
      } else {
        const dentry = this.#tree.lookup(inode, component);
        if (dentry !== NONE) visit(this.#tree.dentryInode.values[dentry]!, from + 1);
      }
    }
    return this.#count;
  }

  #take(inode: number): void {
    if (this.#tree.inodeType.values[inode] !== EntryType.file) return;
    this.#selected[inode] = 1;
    this.#count++;
  }

  #dentriesOf(directory: number): Uint32Array {
    const { dentries, start } = this.#names;
    return dentries.subarray(start[directory], start[directory + 1]);
  }

  #nameOf(dentry: number): ByteString {
    const start = this.#tree.dentryNameStart.values[dentry]!;
    return byteString(this.#tree.names.values.subarray(start, start + this.#tree.dentryNameLength.values[dentry]!));
  }
}

/** Throws `option-invalid` for what is no pattern of a path. */
export function checkFilePattern(pattern: ByteString): void {
  componentsOf(pattern);
}

function componentsOf(pattern: ByteString): Component[] {
  const components = pattern.split('/').filter((name) => name !== '' && name !== '.');
  if (components.includes('..') || pattern.includes('\0')) {
    throw new ImageError('option-invalid', `the pattern ${displayName(pattern)}: a path from the root, without ..`);
  }
  return components.map((name) => (name === '**' ? 'any' : /[*?[\\]/.test(name) ? expressionOf(name) : bytesOf(name)));
}

/** One character in UTF-8, or a byte that is none. */
const CHARACTER = '(?:[\\x00-\\x7f]|[\\xc0-\\xff][\\x80-\\xbf]*|[\\x80-\\xbf])';

function expressionOf(name: ByteString): RegExp {
  let source = '';
  for (let i = 0; i < name.length; i++) {
    const character = name[i]!;
    const end = character === '[' ? name.indexOf(']', i + (/^\[[!^]/.test(name.slice(i)) ? 3 : 2)) : -1;
    if (character === '*') source += '.*';
    else if (character === '?') source += CHARACTER;
    else if (character === '\\' && i + 1 < name.length) source += escaped(name[++i]!);
    else if (end < 0) source += escaped(character);
    else {
      source += classOf(name.slice(i + 1, end));
      i = end;
    }
  }
  return new RegExp(`^${source}$`, 's');
}

function classOf(members: ByteString): string {
  const isNot = /^[!^]/.test(members);
  const bytes = new Set<number>();
  for (let i = isNot ? 1 : 0; i < members.length; i++) {
    const isRange = members[i + 1] === '-' && i + 2 < members.length;
    const last = isRange ? members.charCodeAt(i + 2) : members.charCodeAt(i);
    for (let byte = members.charCodeAt(i); byte <= last; byte++) bytes.add(byte);
    if (isRange) i += 2;
  }
  const listed = Array.from(bytes, (byte) => escaped(String.fromCharCode(byte))).join('');
  if (listed === '') return isNot ? '.' : '(?!)';
  return `[${isNot ? '^' : ''}${listed}]`;
}

const escaped = (character: string): string => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
