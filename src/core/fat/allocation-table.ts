import { BlockReader, lastAtMost } from '../plan/blocks-source.ts';
import type { BytesSource } from '../plan/plan.ts';
import { FIRST_CLUSTER, type FatGeometry } from './geometry.ts';
import { MEDIA_FIXED, SECTOR_SIZE } from './format/boot-sector.ts';

/** What is made at once: whole entries of each kind, and whole sectors. In bytes. */
const CHUNK_SIZE = 3 * SECTOR_SIZE;

/** How many sectors of a FAT have entries that are not zero, when `free` is the first free cluster. */
function usedFatSectors({ bits }: FatGeometry, free: number): number {
  return Math.ceil((free * bits) / 8 / SECTOR_SIZE);
}

/**
 * The beginning of a FAT up to its last entry that is not zero, made when it is read. `chains` are the first clusters of chains of clusters that
 * follow each other; the last is the first free one. Microsoft FAT Specification, 4.
 */
export function allocationTable(
  geometry: FatGeometry,
  chains: Uint32Array,
  label: string,
  nameOf: (chain: number) => string,
): BytesSource {
  const table = new Table(geometry, chains);
  const reader = new BlockReader(CHUNK_SIZE, (chunk, target, view) => table.makeChunk(chunk, target, view));
  const length = usedFatSectors(geometry, chains.at(-1)!) * SECTOR_SIZE;
  return {
    length,
    read: (offset, target) => reader.read(offset, target),
    label: () => label,
    labelUnit: length,
    detail: (offset) => {
      const cluster = Math.floor((offset * 8) / geometry.bits);
      const chain = table.chainOf(cluster);
      return chain === undefined ? undefined : `cluster ${cluster}, ${nameOf(chain)}`;
    },
  };
}

class Table {
  readonly #bits: number;
  readonly #chains: Uint32Array;
  readonly #endOfChain: number;

  constructor({ bits }: FatGeometry, chains: Uint32Array) {
    this.#bits = bits;
    this.#chains = chains;
    // The high four bits of FAT32 are no part of an entry.
    this.#endOfChain = bits === 32 ? 0x0fff_ffff : 2 ** bits - 1;
  }

  /** The chain of a cluster; undefined for one that is free, and for the first two entries. */
  chainOf(cluster: number): number | undefined {
    const chains = this.#chains;
    if (cluster < chains[0]! || cluster >= chains.at(-1)!) return undefined;
    return lastAtMost(chains, chains.length, cluster);
  }

  makeChunk(chunk: number, target: Uint8Array, view: DataView): void {
    const count = (CHUNK_SIZE * 8) / this.#bits;
    const first = chunk * count;
    const end = Math.min(first + count, this.#chains.at(-1)!);
    let next = (this.chainOf(Math.max(first, FIRST_CLUSTER)) ?? 0) + 1;
    for (let cluster = first; cluster < end; cluster++) {
      if (cluster >= this.#chains[next]!) next++;
      this.#put(target, view, cluster - first, this.#entry(cluster, next));
    }
  }

  /** The first two entries hold the medium and, set, the bits that say that all is well. `next` is the chain behind the cluster's. */
  #entry(cluster: number, next: number): number {
    if (cluster === 0) return this.#endOfChain - 0xff + MEDIA_FIXED;
    if (cluster === 1) return this.#endOfChain;
    if (cluster < this.#chains[0]!) return 0;
    return cluster + 1 === this.#chains[next] ? this.#endOfChain : cluster + 1;
  }

  #put(target: Uint8Array, view: DataView, index: number, value: number): void {
    if (this.#bits === 32) view.setUint32(4 * index, value, true);
    else if (this.#bits === 16) view.setUint16(2 * index, value, true);
    else {
      const at = Math.floor((3 * index) / 2);
      if (index % 2 === 0) {
        target[at] = value & 0xff;
        target[at + 1] = value >> 8;
      } else {
        target[at] = target[at]! | ((value & 0xf) << 4);
        target[at + 1] = value >> 4;
      }
    }
  }
}
