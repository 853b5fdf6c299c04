import type { Filters } from '../ware/filters.ts';
import type { PackType } from '../ware/ware-id.ts';

/** What is run: names of wares by path, what to do with them, and what to pack afterwards. Paths are absolute, as written. */
export interface Formula {
  /** What names it, where it is written in Warpforge's form; all else says what Repeatr's would. */
  readonly warpforge?: Document | undefined;
  /** By path; undefined where there is no such member. */
  readonly inputs: ReadonlyMap<string, FormulaInput> | undefined;
  readonly action: FormulaAction;
  /** By path, in Warpforge's form by any name. */
  readonly outputs: ReadonlyMap<string, FormulaOutput> | undefined;
}

/** A part of a JSON document. */
export type Document = string | boolean | readonly Document[] | { readonly [key: string]: Document };

/** What stands at a path when a formula begins. */
export interface FormulaInput {
  /** A WareID, or a directory of this host: `mount:ro:PATH`, `mount:overlay:PATH`. */
  readonly ware: string;
  readonly filters: Filters;
}

/** What is done, by whom, and where. */
export interface FormulaAction {
  readonly exec?: readonly string[] | undefined;
  /** Whether nothing is run, and outputs are parts of the inputs. */
  readonly noop?: boolean | undefined;
  readonly policy?: Policy | undefined;
  readonly cwd?: string | undefined;
  readonly env?: ReadonlyMap<string, string> | undefined;
  readonly userinfo?: FormulaUserinfo | undefined;
  /** `disable`: the filesystem is the inputs and nothing else. */
  readonly cradle?: string | undefined;
  readonly hostname?: string | undefined;
  /** Whether it is to reach the network: Warpforge's form alone asks for it. */
  readonly network?: boolean | undefined;
}

/** From fewest capabilities to all of them. */
export const POLICIES = ['routine', 'governor', 'sysad'] as const;
export type Policy = (typeof POLICIES)[number];

/** Who a command runs as; what is left out is filled in. */
export interface FormulaUserinfo {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly username?: string | undefined;
  readonly homedir?: string | undefined;
}

/** What is packed afterwards, and how. */
export interface FormulaOutput {
  readonly path: string;
  readonly type: PackType;
  readonly filters: Partial<Filters>;
}

/** Where wares are fetched from, by the path of the input, and saved to, by the key of the output. */
export interface FormulaContext {
  readonly fetchUrls: ReadonlyMap<string, readonly string[]>;
  readonly saveUrls: ReadonlyMap<string, string>;
}
