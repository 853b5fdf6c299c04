/** How many inode numbers one page of bits stands for. */
const PAGE_INODES = 2 ** 15;

/** A set of inode numbers: a bit each, in pages that are there once one of their numbers is. What an image claims costs nothing. */
export class InodeSet {
  readonly #pages = new Map<number, Uint8Array>();

  has(ino: number): boolean {
    const page = this.#pages.get(Math.floor(ino / PAGE_INODES));
    return page !== undefined && (page[(ino % PAGE_INODES) >> 3]! & (1 << (ino & 7))) !== 0;
  }

  add(ino: number): void {
    const number = Math.floor(ino / PAGE_INODES);
    let page = this.#pages.get(number);
    if (page === undefined) this.#pages.set(number, (page = new Uint8Array(PAGE_INODES / 8)));
    page[(ino % PAGE_INODES) >> 3]! |= 1 << (ino & 7);
  }
}
