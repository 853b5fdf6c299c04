/** What a FAT image holds, read in the simplest way, every rule checked that a reader could rely on. */
export interface FatContents {
  readonly bits: number;
  readonly label: string;
  /** By path: a file's bytes; undefined for a directory. */
  readonly files: ReadonlyMap<string, Uint8Array | undefined>;
  /** The entries of each name, as offsets in the image, and whether it has a long name. */
  readonly entries: readonly NameEntries[];
  /** Whether all directories have an entry of zeros behind their last. */
  readonly hasEnds: boolean;
  /** Whether the first cluster is some file's or some directory's. */
  readonly isFirstClusterUsed: boolean;
}

interface NameEntries {
  readonly first: number;
  readonly last: number;
  readonly isLong: boolean;
  readonly attributes: number;
}

/** Reads a FAT image of 512-byte sectors. Throws where it breaks a rule. */
export function readFat(image: Uint8Array): FatContents {
  return new Reader(image).read();
}

function check(condition: boolean, rule: string): void {
  if (!condition) throw new Error(`FAT: ${rule}`);
}

class Reader {
  readonly #image: Uint8Array;
  readonly #view: DataView;
  readonly #bits: number;
  readonly #clusters: number;
  readonly #clusterSize: number;
  readonly #fat: number;
  readonly #rootStart: number;
  readonly #rootEntries: number;
  readonly #dataStart: number;
  readonly #files = new Map<string, Uint8Array | undefined>();
  readonly #entries: NameEntries[] = [];
  #hasEnds = true;
  readonly #used = new Set<number>();
  #label = '';

  constructor(image: Uint8Array) {
    const view = new DataView(image.buffer, image.byteOffset, image.length);
    this.#image = image;
    this.#view = view;
    const u16 = (at: number): number => view.getUint16(at, true);
    check(
      u16(11) === 512 && u16(510) === 0xaa55 && image[16] === 2,
      'a boot sector with sectors of 512 bytes and two FATs',
    );
    const fatSectors = u16(22) === 0 ? view.getUint32(36, true) : u16(22);
    const sectors = u16(19) === 0 ? view.getUint32(32, true) : u16(19);
    check(sectors * 512 === image.length, 'as many sectors as the image has');
    this.#clusterSize = image[13]! * 512;
    this.#fat = u16(14) * 512;
    this.#rootStart = this.#fat + 2 * fatSectors * 512;
    this.#rootEntries = u16(17);
    this.#dataStart = this.#rootStart + this.#rootEntries * 32;
    this.#clusters = Math.floor((image.length - this.#dataStart) / this.#clusterSize);
    this.#bits = this.#clusters < 4085 ? 12 : this.#clusters < 65_525 ? 16 : 32;
    const copies = [0, 1].map((copy) =>
      Buffer.from(image.subarray(this.#fat + copy * fatSectors * 512, this.#fat + (copy + 1) * fatSectors * 512)),
    );
    check(copies[0]!.equals(copies[1]!), 'two equal FATs');
    check(this.#entry(0) % 256 === 0xf8 && this.#entry(1) === this.#endOfChain, 'the first two entries');
  }

  get #endOfChain(): number {
    return this.#bits === 32 ? 0x0fff_ffff : 2 ** this.#bits - 1;
  }

  read(): FatContents {
    const root =
      this.#bits === 32
        ? this.#chain(this.#view.getUint32(44, true))
        : [{ start: this.#rootStart, length: this.#rootEntries * 32 }];
    this.#readDirectory(root, '', 0, 0);
    for (let cluster = 2; cluster < this.#clusters + 2; cluster++)
      check(
        (this.#entry(cluster) !== 0) === this.#used.has(cluster),
        `cluster ${cluster} is used where the FAT says so`,
      );
    if (this.#bits === 32) {
      const info = this.#view.getUint16(48, true) * 512;
      check(this.#view.getUint32(info + 488, true) === this.#clusters - this.#used.size, 'FSInfo counts free clusters');
    }
    return {
      bits: this.#bits,
      label: this.#label,
      files: this.#files,
      entries: this.#entries,
      hasEnds: this.#hasEnds,
      isFirstClusterUsed: this.#used.has(2),
    };
  }

  #entry(cluster: number): number {
    if (this.#bits === 32) return this.#view.getUint32(this.#fat + 4 * cluster, true) % 2 ** 28;
    if (this.#bits === 16) return this.#view.getUint16(this.#fat + 2 * cluster, true);
    const pair = this.#view.getUint16(this.#fat + Math.floor((3 * cluster) / 2), true);
    return cluster % 2 === 0 ? pair & 0xfff : pair >> 4;
  }

  /** The places of a chain's clusters. */
  #chain(first: number): { start: number; length: number }[] {
    const places: { start: number; length: number }[] = [];
    for (let cluster = first; cluster !== this.#endOfChain; cluster = this.#entry(cluster)) {
      check(cluster >= 2 && cluster < this.#clusters + 2, `cluster ${cluster} is there`);
      check(!this.#used.has(cluster), `cluster ${cluster} is in one chain`);
      this.#used.add(cluster);
      places.push({ start: this.#dataStart + (cluster - 2) * this.#clusterSize, length: this.#clusterSize });
    }
    return places;
  }

  #readDirectory(
    places: readonly { start: number; length: number }[],
    path: string,
    self: number,
    parent: number,
  ): void {
    const offsets = places.flatMap(({ start, length }) =>
      Array.from({ length: length / 32 }, (_, i) => start + 32 * i),
    );
    const seen = new Set<string>();
    let long: { text: string; checksum: number; left: number; first: number } | undefined;
    for (const at of offsets) {
      if (this.#image[at] === 0) return;
      if (this.#image[at] === 0xe5) continue;
      if (this.#image[at + 11] === 0x0f) {
        long = this.#longEntry(at, long);
        continue;
      }
      const short = this.#image.subarray(at, at + 11);
      check(!seen.has(short.join()), `a short name of ${path} is there once`);
      seen.add(short.join());
      check(
        long === undefined || (long.left === 0 && long.checksum === checksumOf(short)),
        `the long name of ${path} is whole`,
      );
      this.#readEntry(at, short, long?.text.replace(/\0\uffff*$/, ''), path, { self, parent });
      this.#entries.push({
        first: long?.first ?? at,
        last: at,
        isLong: long !== undefined,
        attributes: this.#image[at + 11]!,
      });
      long = undefined;
    }
    this.#hasEnds = false;
  }

  #longEntry(at: number, before: { text: string; checksum: number; left: number; first: number } | undefined) {
    const order = this.#image[at]!;
    const isLast = (order & 0x40) !== 0;
    check(isLast === (before === undefined), 'a long name begins with its end');
    check(
      isLast || (order === before!.left && before!.checksum === this.#image[at + 13]),
      'entries of a long name in order',
    );
    const units = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30].map((offset) =>
      this.#view.getUint16(at + offset, true),
    );
    const text = String.fromCharCode(...units) + (before?.text ?? '');
    return { text, checksum: this.#image[at + 13]!, left: (order & 0x3f) - 1, first: before?.first ?? at };
  }

  #readEntry(
    at: number,
    short: Uint8Array,
    long: string | undefined,
    path: string,
    { self, parent }: { self: number; parent: number },
  ): void {
    const attributes = this.#image[at + 11]!;
    const text = Buffer.from(short).toString('latin1');
    const extension = text.slice(8).trim();
    const name = long ?? text.slice(0, 8).trim() + (extension === '' ? '' : `.${extension}`);
    const cluster = this.#view.getUint16(at + 20, true) * 2 ** 16 + this.#view.getUint16(at + 26, true);
    const size = this.#view.getUint32(at + 28, true);
    if (attributes === 0x08) this.#label = text.trim();
    else if (name === '.' || name === '..')
      check(cluster === (name === '.' ? self : parent), `${path}${name} is where it says`);
    else if (attributes === 0x10) {
      this.#files.set(`${path}${name}`, undefined);
      this.#readDirectory(this.#chain(cluster), `${path}${name}/`, cluster, self);
    } else {
      check((cluster === 0) === (size === 0), `${path}${name} has clusters for its content`);
      const places = cluster === 0 ? [] : this.#chain(cluster);
      check(places.length === Math.ceil(size / this.#clusterSize), `${path}${name} has as many clusters as it needs`);
      const parts = places.map(({ start, length }) => this.#image.subarray(start, start + length));
      this.#files.set(`${path}${name}`, new Uint8Array(Buffer.concat(parts)).subarray(0, size));
    }
  }
}

function checksumOf(short: Uint8Array): number {
  return short.reduce((sum, byte) => (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff, 0);
}
