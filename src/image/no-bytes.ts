import type { Blob } from '../sources/layer.ts';

function refuse(): never {
  throw new Error('broken invariant: an image that is only planned has no bytes of hash trees');
}

/** Stands for the hash trees of an image that is planned and not read. */
export const NO_BYTES: Blob = {
  sourceCount: 0,
  readSync: refuse,
  read: refuse,
  sourceAt: refuse,
  verifySource: refuse,
  verifyUnchanged: () => undefined,
  close: () => undefined,
};
