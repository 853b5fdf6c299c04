import { type Attributes, attributesOf, type MetadataPolicy } from '../tree/metadata.ts';
import { NONE, type Tree } from '../tree/tree.ts';

/** What e2fsck may put into lost+found is root's business; a layer's own lost+found has the layer's mode. */
const LOST_AND_FOUND_MODE = 0o700;

/** The attributes of an inode, the lost+found that no layer brought among them. */
export function inodeAttributes(tree: Tree, inode: number, lostAndFound: number, policy: MetadataPolicy): Attributes {
  const attributes = attributesOf(tree, inode, policy);
  const isMade = inode === lostAndFound && tree.inodeLayer.values[inode] === NONE;
  return isMade ? { ...attributes, mode: LOST_AND_FOUND_MODE } : attributes;
}
