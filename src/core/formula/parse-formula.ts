import { ImageError } from '../errors.ts';
import { JsonValue } from '../oci/json.ts';
import type { TimeOf } from '../ware/filters.ts';
import type { Document, Formula, FormulaContext } from './formula.ts';
import { repeatrContext, repeatrFormula } from './repeatr-form.ts';
import { withoutTrailingCommas } from './tolerant-json.ts';
import { CAPSULE, warpforgeContext, warpforgeFormula } from './warpforge-form.ts';

/** The longest document that is read, in bytes. */
const BYTES_MAX = 4 * 1024 * 1024;

/**
 * Reads a formula and its context, in Repeatr's form or in Warpforge's `formula.v1`. `name` names the document in errors, `timeOf` reads
 * RFC 3339 times of filters. Unknown members are refused. Throws `formula-invalid`, or `option-invalid` for a filter or a pack type.
 */
export function parseFormula(
  bytes: Uint8Array,
  name: string,
  timeOf: TimeOf,
): { formula: Formula; context: FormulaContext } {
  const data = parseDocument(bytes, name);
  const document = new JsonValue(data, name, '', 'formula-invalid');
  document.allowOnly(['formula', 'context']);
  const [formula, context] = [document.get('formula'), document.get('context')];
  const capsule = formula.get(CAPSULE);
  if (!capsule.isPresent) return { formula: repeatrFormula(formula, timeOf), context: repeatrContext(context) };
  formula.allowOnly([CAPSULE]);
  const { formula: capsules } = data as { formula: { [CAPSULE]: Document } };
  const read = warpforgeFormula(capsule, capsules[CAPSULE], timeOf);
  return { formula: read, context: warpforgeContext(context, read) };
}

function parseDocument(bytes: Uint8Array, name: string): unknown {
  const invalid = (what: string, cause?: unknown): ImageError =>
    new ImageError('formula-invalid', `${name} ${what}`, {}, cause === undefined ? {} : { cause });
  if (bytes.length > BYTES_MAX) throw invalid(`has ${bytes.length} bytes, at most ${BYTES_MAX} are read`);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return JSON.parse(withoutTrailingCommas(text));
  } catch (error) {
    throw invalid('is not JSON', error);
  }
}
