/** Where a region's bytes come from. */
export const RegionKind = { zero: 0, bytes: 1, blob: 2 } as const;
export type RegionKind = (typeof RegionKind)[keyof typeof RegionKind];

/** Bytes of an image that are made from the plan itself, all at once or when they are read. */
export interface BytesSource {
  /** In bytes. */
  readonly length: number;
  /** Fills `target` with the bytes from `offset`; `offset + target.length` is at most `length`. */
  read(offset: number, target: Uint8Array): void;
  /** What lives at `offset`, for people: `inode table, group 0`, `directory /usr/bin`. */
  label(offset: number): string;
  /** Labels change only at multiples of this, in bytes. */
  readonly labelUnit: number;
  /** More about `offset` than its label, where there is more: `inode 12, /etc/hostname`. */
  detail?(offset: number): string | undefined;
}

/** The regions of an image in columns, in order, without gap or overlap. */
export interface Regions {
  readonly count: number;
  /** Where each region begins in the image, in bytes, and at index `count` the image's size. */
  readonly start: Float64Array;
  readonly kind: Uint8Array;
  /** For `bytes` the index in `Plan.bytes`; for `blob` the layer's number. */
  readonly source: Uint32Array;
  /** Where the region begins in its source, in bytes. */
  readonly offset: Float64Array;
  /** What a `zero` or `blob` region belongs to, in the plan's own numbers; 0 for nothing. */
  readonly owner: Uint32Array;
}

/** An image before a byte of it is read: its size and where each of its bytes comes from. */
export interface Plan {
  /** In bytes. */
  readonly size: number;
  readonly regions: Regions;
  readonly bytes: readonly BytesSource[];
  /** What lives at `offset` of a `zero` or `blob` region with that owner: `file /etc/hostname (layer 2)`, `free`. */
  label(owner: number, offset: number): string;
}
