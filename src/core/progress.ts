/** What long work does, in the order in which it does it. */
export const PHASES = [
  'resolving',
  'downloading',
  'decompressing',
  'verifying',
  'reading layers',
  'digesting layers',
  'planning',
  'hashing blocks',
  'reading the base',
  'writing',
  'hashing',
  'comparing',
  'exporting',
  'drawing',
] as const;

/** One of them. */
export type Phase = (typeof PHASES)[number];

/** How much of something is done. `total` is undefined while nobody knows it. */
export interface Amount {
  readonly done: number;
  readonly total?: number | undefined;
}

/** How far a phase is, in bytes, in files (or entries of a layer), or both. */
export interface Progress {
  readonly phase: Phase;
  readonly bytes?: Amount | undefined;
  readonly files?: Amount | undefined;
}

/** Is told how far long work is, often; it should return at once. */
export type OnProgress = (progress: Progress) => void;
