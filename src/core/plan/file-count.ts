import type { Amount } from '../progress.ts';
import { RegionKind, type Regions } from './plan.ts';

/** Counts the files whose contents come from layers, for questions that go forward through an image. */
export class FileCount {
  readonly #regions: Regions;
  readonly #total: number;
  #region = 0;
  #done = 0;

  constructor(regions: Regions) {
    this.#regions = regions;
    let total = 0;
    for (let region = 0; region < regions.count; region++) if (this.#isFirst(region)) total++;
    this.#total = total;
  }

  /** How many files begin before `offset`, of all. */
  before(offset: number): Amount {
    const { start, count } = this.#regions;
    if (this.#region > 0 && start[this.#region - 1]! >= offset) this.#region = this.#done = 0;
    for (; this.#region < count && start[this.#region]! < offset; this.#region++)
      if (this.#isFirst(this.#region)) this.#done++;
    return { done: this.#done, total: this.#total };
  }

  /** Whether a file begins there, rather than going on behind a hole or in the next place of its layer. */
  #isFirst(region: number): boolean {
    const { kind, owner } = this.#regions;
    if (kind[region] !== RegionKind.blob || owner[region] === 0) return false;
    const afterHole = kind[region - 1] === RegionKind.zero && owner[region - 1] === owner[region];
    const before = region - (afterHole ? 2 : 1);
    return kind[before] !== RegionKind.blob || owner[before] !== owner[region];
  }
}
