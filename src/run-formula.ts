import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { ImageError } from './core/errors.ts';
import { placeOf } from './core/formula/assemble.ts';
import type { Formula, FormulaContext } from './core/formula/formula.ts';
import { formulaId } from './core/formula/formula-id.ts';
import { FLATTEN } from './core/ware/filters.ts';
import { formatWareId, NOTHING, type WareId } from './core/ware/ware-id.ts';
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

/**
 * Runs a formula that runs nothing: its inputs are put together, and its outputs packed and saved. Throws `formula-invalid` for one that
 * has something to run, and as `openWorkspace` and `packWare` do.
 */
export async function runFormula(
  formula: Formula,
  context: FormulaContext,
  options: OpenLayersOptions = {},
): Promise<RunRecord> {
  const begun = { guid: randomUUID(), formulaID: formulaId(formula, sha384()), time: Math.floor(Date.now() / 1000) };
  if (formula.action.noop !== true)
    throw new ImageError(
      'formula-invalid',
      'the action is no noop, and nothing else is run here: formula image writes what it runs on',
    );
  const workspace = await openWorkspace(formula, context, options);
  try {
    const results = await packOutputs(workspace, formula, context, options);
    return { ...begun, exitCode: 0, results, hostname: hostname() };
  } finally {
    workspace.close();
  }
}

async function packOutputs(
  workspace: OpenFileset,
  { outputs = new Map() }: Formula,
  { saveUrls }: FormulaContext,
  { signal }: OpenLayersOptions,
): Promise<Record<string, string>> {
  const results: Record<string, string> = {};
  for (const path of [...outputs.keys()].sort()) {
    const { type, filters } = outputs.get(path)!;
    const part = partOf(workspace, placeOf(path));
    const nothing: WareId = { type, hash: NOTHING };
    const packing = { type, filters: { ...FLATTEN, ...filters }, target: saveUrls.get(path), signal };
    results[path] = formatWareId(part === undefined ? nothing : await packWare(part, packing));
  }
  return results;
}
