import { ImageError } from '../errors.ts';
import { NONE, ROOT, type Tree } from '../tree/tree.ts';
import { roundUp } from '../struct.ts';
import { coarseBoundary, isCut } from './cuts.ts';
import type { Features } from './features.ts';
import { EXT2_LINK_MAX, EXT4_GOOD_OLD_FIRST_INO, EXT4_LINK_MAX, EXT4_ROOT_INO } from './format/inode.ts';
import type { Placement } from './options.ts';

/** Which inode number each inode of the tree has, and the numbers the other way round. */
export interface Numbering {
  /** The tree's inodes in the order of their numbers and of their data; with `stable` also those that are gone and keep their place. */
  readonly order: Uint32Array;
  /** By the tree's inode; 0 for one that is gone. */
  readonly ino: Uint32Array;
  /** By inode number; NONE for one that is free or reserved. */
  readonly inodeOf: Uint32Array;
  /** The highest inode number in use. */
  readonly last: number;
  /** How many inodes are in use above the reserved ones, lost+found included. */
  readonly used: number;
  /** i_links_count by the tree's inode. */
  readonly links: Uint16Array;
}

/**
 * Numbers the inodes in the order in which the layers made them; lost+found is 11, the root 2. With `stable` an inode
 * that a higher layer removed keeps its number unused, and layers and stretches begin at round numbers, as their data does. With
 * `compact` an inode comes behind a directory that holds it, so that the order does not tell of layers: made again from nothing but
 * the image, in this order, it is the same. Throws `limit-exceeded` for more links than Linux allows.
 */
export function numberInodes(tree: Tree, lostAndFound: number, placement: Placement, features: Features): Numbering {
  const ino = new Uint32Array(tree.inodeCount);
  let next = EXT4_GOOD_OLD_FIRST_INO + 1;
  let last = EXT4_GOOD_OLD_FIRST_INO;
  let used = 0;
  const isStable = placement === 'stable';
  const order = isStable ? lastingInodes(tree) : liveInodes(tree);
  const stretches = new Stretches(tree, next);
  for (const inode of order) {
    if (isStable) next = stretches.startOf(inode, next);
    const live = tree.inodeDentries.values[inode]! > 0;
    if (live) used++;
    if (inode === ROOT) ino[inode] = EXT4_ROOT_INO;
    else if (inode === lostAndFound) ino[inode] = EXT4_GOOD_OLD_FIRST_INO;
    else if (live) last = ino[inode] = next++;
    else next++;
  }
  const inodeOf = new Uint32Array(last + 1).fill(NONE);
  for (let inode = 0; inode < tree.inodeCount; inode++) if (ino[inode] !== 0) inodeOf[ino[inode]!] = inode;
  return { order, ino, inodeOf, last, used: used - 1, links: countLinks(tree, features) };
}

/** How many numbers a stretch has at least, and the unit of those that stretches begin at: a few blocks of inodes. */
const STRETCH_INODES = 1024;
const STRETCH_UNIT = 64;

/** Where layers, and in a long one stretches of it, begin to be numbered. */
class Stretches {
  readonly #tree: Tree;
  #layer = 0;
  #layerStart: number;
  #stretchStart: number;

  constructor(tree: Tree, next: number) {
    this.#tree = tree;
    this.#layerStart = this.#stretchStart = next;
  }

  /** The number of an inode, given the one behind the inode before it. */
  startOf(inode: number, next: number): number {
    const { layerStarts } = this.#tree;
    let start = next;
    for (; inode >= (layerStarts[this.#layer] ?? Number.POSITIVE_INFINITY); this.#layer++) {
      start = coarseBoundary(start, start - this.#layerStart, 1 / 8, 1);
      this.#layerStart = this.#stretchStart = start;
    }
    if (start - this.#stretchStart < STRETCH_INODES || !isCut(this.#tree, inode)) return start;
    this.#stretchStart = roundUp(start, STRETCH_UNIT);
    return this.#stretchStart;
  }
}

const lastingInodes = (tree: Tree): Uint32Array => inodesThat(tree, (inode) => tree.isLasting(inode));

/** Live inodes in the order in which they were made, but each behind the first directory that holds it. */
function liveInodes(tree: Tree): Uint32Array {
  const turn = firstDirectories(tree);
  let isOrdered = true;
  for (let inode = 0; inode < turn.length; inode++) {
    if (turn[inode] === NONE || turn[inode]! <= inode) turn[inode] = inode;
    else isOrdered = false;
  }
  const live = inodesThat(tree, (inode) => tree.inodeDentries.values[inode]! > 0);
  if (isOrdered) return live;
  const isLate = (inode: number): number => (turn[inode] === inode ? 0 : 1);
  return live.sort((a, b) => turn[a]! - turn[b]! || isLate(a) - isLate(b) || a - b);
}

/** By inode: the first made of the directories that hold it; NONE for one that none does. */
function firstDirectories(tree: Tree): Uint32Array {
  const first = new Uint32Array(tree.inodeCount).fill(NONE);
  for (let dentry = 0; dentry < tree.dentryCount; dentry++) {
    const inode = tree.dentryInode.values[dentry]!;
    if (inode !== NONE) first[inode] = Math.min(first[inode]!, tree.dentryDirectory.values[dentry]!);
  }
  return first;
}

/** The inodes for which `isTaken`, ascending. Uint32Array's own `filter` makes an object of every number on its way. */
function inodesThat(tree: Tree, isTaken: (inode: number) => boolean): Uint32Array {
  const taken = new Uint32Array(tree.inodeCount);
  let count = 0;
  for (let inode = 0; inode < tree.inodeCount; inode++) if (isTaken(inode)) taken[count++] = inode;
  return taken.subarray(0, count);
}

function countLinks(tree: Tree, features: Features): Uint16Array {
  const isUnlimited = features.has('dir_nlink');
  const linksMax = isUnlimited ? EXT4_LINK_MAX : EXT2_LINK_MAX;
  const subdirectories = new Uint32Array(tree.inodeCount);
  for (let dentry = 0; dentry < tree.dentryCount; dentry++) {
    const inode = tree.dentryInode.values[dentry]!;
    if (inode === NONE || !tree.isDirectory(inode)) continue;
    const directory = tree.dentryDirectory.values[dentry]!;
    subdirectories[directory] = subdirectories[directory]! + 1;
  }
  const links = new Uint16Array(tree.inodeCount);
  for (let inode = 0; inode < tree.inodeCount; inode++) {
    const names = tree.inodeDentries.values[inode]!;
    const count = tree.isDirectory(inode) ? 2 + subdirectories[inode]! : names;
    if (count <= linksMax) links[inode] = count;
    // With dir_nlink, 1 stands for more links than the count can hold.
    else if (isUnlimited && tree.isDirectory(inode)) links[inode] = 1;
    else throw tooManyLinks(tree, inode, count, linksMax);
  }
  return links;
}

function tooManyLinks(tree: Tree, inode: number, count: number, linksMax: number): ImageError {
  const context = { layer: tree.inodeLayer.values[inode], path: tree.displayInode(inode) };
  const what = tree.isDirectory(inode)
    ? `${count - 2} directories in a directory, at most ${linksMax - 2}`
    : `${count} hard links, at most ${linksMax} to one file`;
  return new ImageError('limit-exceeded', what, context);
}
