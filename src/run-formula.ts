import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { ByteString } from './core/bytes.ts';
import { ImageError } from './core/errors.ts';
import { placeOf } from './core/formula/assemble.ts';
import { withDefaults } from './core/formula/cradle.ts';
import type { Formula, FormulaContext } from './core/formula/formula.ts';
import { formulaId } from './core/formula/formula-id.ts';
import { FLATTEN } from './core/ware/filters.ts';
import { formatWareId, NOTHING, type WareId } from './core/ware/ware-id.ts';
import type { FormulaGuest } from './formula-exec.ts';
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
  /** WareIDs by path. */
  readonly results: Readonly<Record<string, string>>;
  readonly hostname: string;
}

/** How a formula is run. */
export interface RunFormulaOptions extends OpenLayersOptions {
  /** What a command runs in; without one only formulas are run that have none. */
  readonly guest?: FormulaGuest | undefined;
}

/**
 * Runs a formula: its inputs are put together, its command runs in a guest where it has one, and its outputs are packed and saved. Throws
 * `formula-invalid` for one without an action, and as `openWorkspace`, `execFormula` and `packWare` do.
 */
export async function runFormula(
  formula: Formula,
  context: FormulaContext,
  options: RunFormulaOptions = {},
): Promise<RunRecord> {
  const begun = { guid: randomUUID(), formulaID: formulaId(formula, sha384()), time: Math.floor(Date.now() / 1000) };
  const { noop = false, exec = [] } = formula.action;
  if (noop === exec.length > 0) throw new ImageError('formula-invalid', 'the action is either noop or exec');
  const { exitCode, results } = noop
    ? await runNoop(formula, context, options)
    : await runCommand(formula, context, options);
  return { ...begun, exitCode, results, hostname: hostname() };
}

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
  { guest, ...options }: RunFormulaOptions,
): Promise<Ran> {
  if (guest === undefined)
    throw new ImageError('formula-invalid', 'the action has a command, and no guest to run it in');
  const workspace = await openWorkspace(formula, context, options);
  const { execFormula } = await import('./formula-exec.ts');
  const executed = await execFormula(withDefaults(formula), workspace, guest, options);
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
  for (const path of [...outputs.keys()].sort()) {
    const { type, filters } = outputs.get(path)!;
    const part = await outputAt(placeOf(path));
    const packing = { type, filters: { ...FLATTEN, ...filters }, target: saveUrls.get(path), signal };
    const nothing: WareId = { type, hash: NOTHING };
    results[path] = formatWareId(part === undefined ? nothing : await packWare(part, packing));
  }
  return results;
}
