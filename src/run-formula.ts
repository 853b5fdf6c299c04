import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { ByteString } from './core/bytes.ts';
import { ImageError } from './core/errors.ts';
import { placeOf } from './core/formula/assemble.ts';
import { withDefaults } from './core/formula/cradle.ts';
import type { Formula, FormulaContext } from './core/formula/formula.ts';
import { formulaId } from './core/formula/formula-id.ts';
import { FLATTEN } from './core/ware/filters.ts';
import { formatWareId, NOTHING } from './core/ware/ware-id.ts';
import type { FormulaMachine } from './formula-machine.ts';
import { openWorkspace, partOf } from './formula-workspace.ts';
import { packWare } from './pack-ware.ts';
import type { OpenLayersOptions } from './sources/open-layers.ts';
import { type OpenFileset, sha384 } from './sources/ware/fileset.ts';

/** What Repeatr tells of a run. */
export interface RunRecord {
  /** Of this run alone. */
  readonly guid: string;
  readonly formulaID: string;
  /** When it began, in seconds since 1970. */
  readonly time: number;
  readonly exitCode: number;
  /** WareIDs by the keys of the outputs. */
  readonly results: Readonly<Record<string, string>>;
  readonly hostname: string;
}

/** What Warpforge tells of a run. */
export interface WarpforgeRecord extends Pick<RunRecord, 'guid' | 'time' | 'formulaID' | 'results'> {
  readonly exitcode: number;
}

/** A run of a formula in Warpforge's form, as Warpforge tells it. */
export function warpforgeRecord({ guid, time, formulaID, exitCode, results }: RunRecord): WarpforgeRecord {
  const wares = Object.entries(results).map(([name, ware]) => [name, `ware:${ware}`]);
  return { guid, time, formulaID, exitcode: exitCode, results: Object.fromEntries(wares) as Record<string, string> };
}

/** How a formula is run. */
export interface RunFormulaOptions extends OpenLayersOptions {
  /** Room for what a command writes, in bytes; default 1 GiB, which costs nothing before it is written to. */
  readonly free?: number | undefined;
}

const FREE_DEFAULT = 2 ** 30;

/**
 * Runs a formula: its inputs are put together, the machine runs its command where it has one, and its outputs are packed and saved. Throws
 * `formula-invalid` for one without an action that can be run here, and as `openWorkspace`, the machine and `packWare` do.
 */
export async function runFormula(
  formula: Formula,
  context: FormulaContext,
  machine?: FormulaMachine,
  options: RunFormulaOptions = {},
): Promise<RunRecord> {
  const begun = { guid: randomUUID(), formulaID: formulaId(formula, sha384()), time: Math.floor(Date.now() / 1000) };
  const { noop = false, exec = [], network = false } = formula.action;
  if (noop === exec.length > 0) throw invalid('the action is neither noop nor a command, or both');
  if (network) throw invalid('the action asks for the network, which commands do not have here');
  const { exitCode, results } = noop
    ? await runNoop(formula, context, options)
    : await runCommand(formula, context, machine, options);
  return { ...begun, exitCode, results, hostname: hostname() };
}

const invalid = (what: string): ImageError => new ImageError('formula-invalid', what);

type Ran = Pick<RunRecord, 'exitCode' | 'results'>;

async function runNoop(formula: Formula, context: FormulaContext, options: OpenLayersOptions): Promise<Ran> {
  const workspace = await openWorkspace(formula, context, options);
  try {
    const outputAt = async (path: ByteString): Promise<OpenFileset | undefined> => partOf(workspace, path);
    return { exitCode: 0, results: await packOutputs(outputAt, formula, context, options) };
  } finally {
    workspace.close();
  }
}

async function runCommand(
  formula: Formula,
  context: FormulaContext,
  machine: FormulaMachine | undefined,
  { free = FREE_DEFAULT, ...options }: RunFormulaOptions,
): Promise<Ran> {
  if (machine === undefined) throw invalid('the action has a command, and no machine to run it');
  const workspace = await openWorkspace(formula, context, options);
  const { execFormula } = await import('./formula-exec.ts');
  const executed = await execFormula(withDefaults(formula), workspace, machine, { ...options, free });
  try {
    const outputAt = async (path: ByteString): Promise<OpenFileset | undefined> => executed.outputAt(path);
    return { exitCode: executed.exitCode, results: await packOutputs(outputAt, formula, context, options) };
  } finally {
    executed.close();
  }
}

async function packOutputs(
  outputAt: (path: ByteString) => Promise<OpenFileset | undefined>,
  { outputs = new Map() }: Formula,
  { saveUrls }: FormulaContext,
  { signal }: OpenLayersOptions,
): Promise<Record<string, string>> {
  const results: Record<string, string> = {};
  for (const key of [...outputs.keys()].sort()) {
    const { path, type, filters } = outputs.get(key)!;
    const part = await outputAt(placeOf(path));
    const packing = { type, filters: { ...FLATTEN, ...filters }, target: saveUrls.get(key), signal };
    try {
      results[key] = formatWareId(part === undefined ? { type, hash: NOTHING } : await packWare(part, packing));
    } finally {
      part?.close();
    }
  }
  return results;
}
