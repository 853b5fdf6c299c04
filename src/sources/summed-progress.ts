import { type Amount, type OnProgress, type Phase, PHASES, type Progress } from '../core/progress.ts';

/** The progress of several contributors as one: what each has done in a phase is added up. */
export class SummedProgress {
  readonly #report: OnProgress;
  /** By phase, the last that each contributor told. */
  readonly #told = new Map<Phase, Map<number, Progress>>();
  /** The phase that each contributor is in; none when it is done with it. */
  readonly #current = new Map<number, Phase>();

  constructor(report: OnProgress) {
    this.#report = report;
  }

  /** What contributor `i` reports to. A phase that comes first is shown until all are done with it. */
  of(i: number): OnProgress {
    return (progress) => {
      const { phase } = progress;
      const told = this.#told.get(phase) ?? new Map<number, Progress>();
      this.#told.set(phase, told.set(i, progress));
      if (isWhole(progress)) this.#current.delete(i);
      else this.#current.set(i, phase);
      for (const other of this.#current.values()) if (PHASES.indexOf(other) < PHASES.indexOf(phase)) return;
      this.#report(sumOf(phase, [...told.values()]));
    };
  }
}

function isWhole({ bytes, files }: Progress): boolean {
  const { done, total } = bytes ?? files ?? { done: 0 };
  return done === total;
}

function sumOf(phase: Phase, told: readonly Progress[]): Progress {
  return { phase, bytes: sum(told.map(({ bytes }) => bytes)), files: sum(told.map(({ files }) => files)) };
}

/** Undefined unless all tell it: a part of a sum would be taken for all of it. */
function sum(amounts: readonly (Amount | undefined)[]): Amount | undefined {
  let done = 0;
  let total: number | undefined = 0;
  for (const amount of amounts) {
    if (amount === undefined) return undefined;
    done += amount.done;
    total = total === undefined || amount.total === undefined ? undefined : total + amount.total;
  }
  return { done, total };
}
