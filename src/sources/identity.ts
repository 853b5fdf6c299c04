import type { BigIntStats } from 'node:fs';

/** What tells that a file is still the one that was looked at, without reading it. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
  /** In bytes. */
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** Two changes this close may carry the same time: a file this young is not trusted to look different when it changes. */
const RACY_WINDOW_MILLISECONDS = 2000n;

export function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): FileIdentity {
  return { dev, ino, size, mtimeNs, ctimeNs };
}

export function sameIdentity(a: FileIdentity, b: FileIdentity): boolean {
  return sameContentTimes(a, b) && a.dev === b.dev && a.ctimeNs === b.ctimeNs;
}

/** Like sameIdentity for a file of our own, whose links may come and go (ctime) and whose disk may be renumbered (dev). */
export function sameContentTimes(a: FileIdentity, b: FileIdentity): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs;
}

/** Whether a later change might leave `identity` as it is; `seenAt` is in milliseconds, before the first read. */
export function isRacy(identity: FileIdentity, seenAt: number): boolean {
  const newest = identity.mtimeNs > identity.ctimeNs ? identity.mtimeNs : identity.ctimeNs;
  return BigInt(Math.floor(seenAt)) - newest / 1_000_000n < RACY_WINDOW_MILLISECONDS;
}

/** The identity as text, to be kept. */
export function identityText({ dev, ino, size, mtimeNs, ctimeNs }: FileIdentity): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}
