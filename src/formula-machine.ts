import type { BlockDevice } from './core/ext4/reader/block-reader.ts';
import type { Policy } from './core/formula/formula.ts';
import type { Image } from './image/image.ts';

/** A command, and the disk that it runs on. */
export interface FormulaJob {
  /** An ext4 filesystem that holds the command's root, with room for what it writes. It stays as it is: writes go elsewhere. */
  readonly image: Image;
  /** The program, an absolute path, and its arguments. */
  readonly argv: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  /** Undefined where the formula names none. */
  readonly hostname: string | undefined;
  /** Which capabilities it is to have; undefined where the formula does not say. */
  readonly policy: Policy | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What a command left. */
export interface FormulaRun {
  readonly exitCode: number;
  /** The disk as it is now, all that was written to it; read until it is closed. */
  readonly disk: BlockDevice;
  close(): void;
}

/** What runs the commands of formulas. Throws what it cannot do; the job's image is closed by who gave it. */
export type FormulaMachine = (job: FormulaJob) => Promise<FormulaRun>;
