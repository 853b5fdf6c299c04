import type { BlockDevice } from '../../ext4/reader/block-reader.ts';
import { corrupt } from '../../ext4/reader/failure.ts';
import { viewOf } from '../../struct.ts';
import { FIRST_CLUSTER } from '../geometry.ts';
import type { FatVolume } from './boot-sector.ts';

/** Clusters that follow each other, as a chain has them. */
export interface ClusterRun {
  readonly cluster: number;
  readonly count: number;
}

/** How much of a table is read at once: whole entries of each kind. In bytes. */
const PAGE_SIZE = 3 * 4096;
/** What is kept of a table, in pages. */
const PAGES_MAX = 64;
/** Two bytes more, as an entry of FAT12 may begin in a page and end behind it. */
const SPARE = 2;

/** Follows chains of clusters in a file allocation table. Microsoft FAT Specification, 4 */
export class ClusterChains {
  readonly #device: BlockDevice;
  readonly #volume: FatVolume;
  readonly #pages = new Map<number, DataView>();

  constructor(device: BlockDevice, volume: FatVolume) {
    this.#device = device;
    this.#volume = volume;
  }

  /**
   * The first `count` clusters of a chain, at least one, neighbours as one run. Throws `image-corrupt` for a chain that leads out of the filesystem
   * or back to itself, or that ends before unless it may.
   */
  *runs(first: number, what: string, count: number, mayEndBefore = false): Generator<ClusterRun, void> {
    let [start, length] = [first, 0];
    // Brent's way to find a loop: a mark that a chain which comes back to it must meet.
    let [mark, steps, limit] = [-1, 0, 1];
    for (let cluster = first, left = count - 1; ; left--) {
      this.#check(cluster, what);
      if (cluster === mark) throw corrupt(`${what}: its chain of clusters leads back to cluster ${cluster}`);
      if (++steps === limit) [mark, steps, limit] = [cluster, 0, 2 * limit];
      if (cluster === start + length) length++;
      else {
        yield { cluster: start, count: length };
        [start, length] = [cluster, 1];
      }
      if (left === 0) break;
      const next = this.#next(cluster);
      if (next !== undefined) cluster = next;
      else if (mayEndBefore) break;
      else throw corrupt(`${what}: its chain ends at cluster ${cluster}, ${left} before its size`);
    }
    yield { cluster: start, count: length };
  }

  #check(cluster: number, what: string): void {
    const { clusters } = this.#volume;
    if (cluster < FIRST_CLUSTER || cluster >= clusters + FIRST_CLUSTER)
      throw corrupt(`${what}: cluster ${cluster}, they are ${FIRST_CLUSTER} to ${clusters + FIRST_CLUSTER - 1}`);
  }

  /** The cluster behind one; undefined for a chain's last. */
  #next(cluster: number): number | undefined {
    const { bits } = this.#volume;
    const entry = this.entry(cluster);
    const end = bits === 32 ? 0x0fff_fff8 : 2 ** bits - 8;
    return entry >= end ? undefined : entry;
  }

  /** What the table has for a cluster: 0 for one that is free. */
  entry(cluster: number): number {
    const { bits } = this.#volume;
    const bit = cluster * bits;
    const page = Math.floor(bit / 8 / PAGE_SIZE);
    const at = Math.floor(bit / 8) - page * PAGE_SIZE;
    const view = this.#page(page);
    // The high four bits of FAT32 are no part of an entry.
    if (bits === 32) return view.getUint32(at, true) & 0x0fff_ffff;
    const pair = view.getUint16(at, true);
    if (bits === 16) return pair;
    return cluster % 2 === 0 ? pair & 0xfff : pair >> 4;
  }

  #page(page: number): DataView {
    const known = this.#pages.get(page);
    if (known !== undefined) return known;
    const bytes = new Uint8Array(PAGE_SIZE + SPARE);
    const start = this.#volume.table + page * PAGE_SIZE;
    // Behind a table there are others, and clusters.
    this.#device.read(start, bytes.subarray(0, Math.min(bytes.length, this.#volume.size - start)));
    if (this.#pages.size === PAGES_MAX) this.#pages.delete(this.#pages.keys().next().value!);
    const view = viewOf(bytes);
    this.#pages.set(page, view);
    return view;
  }
}
