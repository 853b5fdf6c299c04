import { NONE, type Tree } from './tree.ts';

/** The names of every directory in byte order: the one ordering of names. */
export interface NameOrder {
  /** Live dentries, grouped by directory inode in the inodes' order, sorted by name within each. */
  readonly dentries: Uint32Array;
  /** Where each directory inode's dentries begin in `dentries`; one more element than there are inodes. */
  readonly start: Uint32Array;
}

/** How many leading bytes of a name one exact number holds. */
const PREFIX_BYTES = 6;

export function orderNames(tree: Tree): NameOrder {
  const { dentries, start } = groupByDirectory(tree);
  const prefix = new Float64Array(tree.dentryCount);
  for (const dentry of dentries) prefix[dentry] = namePrefix(tree, dentry);
  const compare = (a: number, b: number): number =>
    (prefix[a] as number) - (prefix[b] as number) || compareNames(tree, a, b);
  for (let inode = 0; inode < tree.inodeCount; inode++) {
    const from = start[inode] as number;
    const to = start[inode + 1] as number;
    if (to - from > 1) dentries.subarray(from, to).sort(compare);
  }
  return { dentries, start };
}

/** A counting sort of the live dentries by their directory. */
function groupByDirectory(tree: Tree): { dentries: Uint32Array; start: Uint32Array } {
  const { dentryInode, dentryDirectory } = tree;
  const start = new Uint32Array(tree.inodeCount + 1);
  for (let dentry = 0; dentry < tree.dentryCount; dentry++) {
    if (dentryInode.values[dentry] === NONE) continue;
    const next = (dentryDirectory.values[dentry] as number) + 1;
    start[next] = (start[next] as number) + 1;
  }
  for (let inode = 0; inode < tree.inodeCount; inode++) {
    start[inode + 1] = (start[inode + 1] as number) + (start[inode] as number);
  }
  const dentries = new Uint32Array(start[tree.inodeCount] as number);
  const next = start.slice();
  for (let dentry = 0; dentry < tree.dentryCount; dentry++) {
    if (dentryInode.values[dentry] === NONE) continue;
    const directory = dentryDirectory.values[dentry] as number;
    const at = next[directory] as number;
    dentries[at] = dentry;
    next[directory] = at + 1;
  }
  return { dentries, start };
}

/** A name's first bytes as a number that orders as they do; a shorter name is padded with zeros. */
function namePrefix(tree: Tree, dentry: number): number {
  const start = tree.dentryNameStart.values[dentry] as number;
  const length = tree.dentryNameLength.values[dentry] as number;
  let prefix = 0;
  for (let i = 0; i < PREFIX_BYTES; i++) {
    prefix = prefix * 256 + (i < length ? (tree.names.values[start + i] as number) : 0);
  }
  return prefix;
}

function compareNames(tree: Tree, a: number, b: number): number {
  const names = tree.names.values;
  const startA = tree.dentryNameStart.values[a] as number;
  const startB = tree.dentryNameStart.values[b] as number;
  const lengthA = tree.dentryNameLength.values[a] as number;
  const lengthB = tree.dentryNameLength.values[b] as number;
  const length = Math.min(lengthA, lengthB);
  for (let i = Math.min(PREFIX_BYTES, length); i < length; i++) {
    const difference = (names[startA + i] as number) - (names[startB + i] as number);
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
}
