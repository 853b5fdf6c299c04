import { createHash } from 'node:crypto';
import { type Ext4Plan, type Host, planExt4 } from '../../src/core/ext4/layout.ts';
import type { HashKey } from '../../src/core/tree/name-hash.ts';
import { type ImageOptions, toExt4Options } from '../../src/image/options.ts';
import { type EntryCase, KEY, makeTree } from './make-tree.ts';

/** A host without warnings. */
const host: Host = {
  sha256: () => {
    const hash = createHash('sha256');
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
  },
  warn: () => undefined,
  read: () => undefined,
};

/** The plan of layers that are made by code; their files' bytes are nowhere. */
export function planLayers(
  layers: readonly (readonly EntryCase[])[],
  options: ImageOptions = {},
  key: HashKey = KEY,
): Ext4Plan {
  const planOptions = toExt4Options(options);
  return planExt4(makeTree(layers, planOptions.symlinkedParents, key), planOptions, host);
}
