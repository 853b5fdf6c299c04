import type { LayerIndex } from '../core/layer/layer-index.ts';

/** A layer's data as one range of bytes: an uncompressed tar, or a directory's files one after another. */
export interface Blob {
  /** How many files its bytes are in. */
  readonly sourceCount: number;
  /** Fills `target` from `position`. Throws `layer-changed` when the source is no longer what was planned. */
  readSync(position: number, target: Uint8Array): void;
  /** The same, off the main thread. */
  read(position: number, target: Uint8Array): Promise<void>;
  /** The file that has the byte at `position`, counted from 0 in the order of the bytes. */
  sourceAt(position: number): number;
  /** Throws `layer-changed` when one of its files is no longer what was planned. */
  verifySource(source: number): void;
  /** Throws `layer-changed` when any source is no longer what was planned. */
  verifyUnchanged(): void;
  /** Gives back the files; reads under way end first. Nothing may be read afterwards. */
  close(): void;
}

/** A layer that is ready to be planned and read. */
export interface Layer {
  /** The reference it was opened from, for messages. */
  readonly reference: string;
  readonly index: LayerIndex;
  /** What `index.dataOffset` counts in. */
  readonly blob: Blob;
  /** `sha256:HEX` of the whole uncompressed tar, where it was read whole; a plain tar in place was not. */
  readonly diffId?: string | undefined;
  /** How long the uncompressed tar is, in bytes; a directory is none. */
  readonly tarSize?: number | undefined;
  /** Of a plain tar in place: another when its file may be another; undefined when that cannot be told. */
  readonly key?: string | undefined;
}
