import { quoted } from '../launch/shell-words.ts';
import type { JsonValue } from '../oci/json.ts';
import { type Filters, filtersOf, PACK_DEFAULTS, SCAN_DEFAULTS, type TimeOf } from '../ware/filters.ts';
import { parsePackType } from '../ware/ware-id.ts';
import { PATH } from './cradle.ts';
import type { Document, Formula, FormulaAction, FormulaContext, FormulaInput, FormulaOutput } from './formula.ts';
import { checkPath, checkText, checkVariable, COUNT_MAX, filterMembers, mapOf, textOf, textsOf } from './members.ts';

/** The member that a formula of this form is in. */
export const CAPSULE = 'formula.v1';
const CONTEXT_CAPSULE = 'context.v1';

/** Warpforge runs all as root, and rio as root for it. */
const ROOT = { uid: 0, gid: 0 };
const INPUT_DEFAULTS: Filters = { ...SCAN_DEFAULTS, ...ROOT };
const OUTPUT_DEFAULTS: Filters = { ...PACK_DEFAULTS, ...ROOT };
/** What runc gives, which Warpforge leaves. */
const ENVIRONMENT = [
  ['PATH', PATH],
  ['TERM', 'xterm'],
] as const;
/** The longest argument of a program in Linux, in bytes with its NUL (MAX_ARG_STRLEN). */
const ARGUMENT_BYTES_MAX = 128 * 1024;

/**
 * Reads a formula in Warpforge's form, in the words of Repeatr's; `document` is its data, which names it. Unknown members are refused.
 * Throws `formula-invalid` or `option-invalid`. Schema: wfapi/wfapi.ipldsch of github.com/warptools/warpforge, layer 1.
 */
export function warpforgeFormula(value: JsonValue, document: Document, timeOf: TimeOf): Formula {
  value.allowOnly(['inputs', 'action', 'outputs']);
  const ports = required(value.get('inputs')).members(COUNT_MAX);
  const inputs = ports
    .filter(([port, each]) => isPath(port, each))
    .map(([port, each]) => [port, inputOf(each, timeOf)] as const);
  const variables = ports.filter(([port]) => port.startsWith('$')).map(([port, each]) => variableOf(port, each));
  return {
    warpforge: document,
    inputs: new Map(inputs),
    action: {
      ...actionOf(value.get('action')),
      cwd: '/',
      env: new Map([...ENVIRONMENT, ...variables]),
      userinfo: ROOT,
      cradle: 'disable',
    },
    outputs: mapOf(required(value.get('outputs')), checkText, (each) => outputOf(each, timeOf)),
  };
}

/** Optional it is not in the schema. */
function required(value: JsonValue): JsonValue {
  if (!value.isPresent) throw value.invalid('an object');
  return value;
}

/** Whether a port is a path; throws for what is no variable either. */
function isPath(port: string, value: JsonValue): boolean {
  if (port.startsWith('$')) return false;
  checkPath(port, value);
  return true;
}

function inputOf(value: JsonValue, timeOf: TimeOf): FormulaInput {
  if (value.optionalText() !== undefined) return { ware: sourceOf(value), filters: INPUT_DEFAULTS };
  value.allowOnly(['basis', 'filters']);
  const filters = filtersOf(filterMembers(required(value.get('filters'))), timeOf, ROOT);
  return { ware: sourceOf(value.get('basis')), filters: { ...INPUT_DEFAULTS, ...filters } };
}

/** A WareID, or a mount as Repeatr writes it. */
function sourceOf(value: JsonValue): string {
  const source = textOf(value);
  if (source.startsWith('mount:')) return source;
  return value.matching(/^ware:/, 'ware:TYPE:HASH or mount:MODE:PATH').slice('ware:'.length);
}

function variableOf(port: string, value: JsonValue): [string, string] {
  const name = port.slice(1);
  checkVariable(name, value);
  checkText(value.matching(/^literal:/, 'literal:TEXT, which is all that a variable can be'), value);
  return [name, textOf(value).slice('literal:'.length)];
}

function actionOf(value: JsonValue): FormulaAction {
  const [member, ...others] = required(value).members(COUNT_MAX);
  value.allowOnly(['exec', 'script', 'echo']);
  if (member === undefined || others.length > 0) throw value.invalid('one of exec, script, echo', 'an object');
  const [kind, action] = member;
  if (kind === 'echo') {
    action.allowOnly([]);
    return {};
  }
  const network = action.get('network').optionalBoolean();
  if (kind === 'exec') {
    action.allowOnly(['command', 'network']);
    return { exec: textsOf(present(action.get('command'))), network };
  }
  action.allowOnly(['interpreter', 'contents', 'network']);
  return { exec: [textOf(action.get('interpreter')), '-c', scriptOf(action.get('contents'))], network };
}

function present(value: JsonValue): JsonValue {
  if (!value.isPresent) throw value.invalid('an array');
  return value;
}

/** Each element is read by itself, all of them by one shell, as Warpforge has files of them sourced. */
function scriptOf(value: JsonValue): string {
  const script = textsOf(present(value))
    .map((each) => `eval ${quoted(each)}\n`)
    .join('');
  const length = new TextEncoder().encode(script).length;
  if (length >= ARGUMENT_BYTES_MAX) throw value.invalid(`at most ${ARGUMENT_BYTES_MAX - 1} bytes`, `${length}`);
  return script;
}

function outputOf(value: JsonValue, timeOf: TimeOf): FormulaOutput {
  value.allowOnly(['from', 'packtype', 'filters']);
  const from = value.get('from');
  checkPath(from.string(), from);
  const packtype = value.get('packtype').optionalString() ?? 'tar';
  const filters = filtersOf(filterMembers(value.get('filters')), timeOf, ROOT);
  return { path: from.string(), type: parsePackType(packtype), filters: { ...OUTPUT_DEFAULTS, ...filters } };
}

/** Reads the context of such a formula: one warehouse a ware, and nowhere to save outputs. */
export function warpforgeContext(value: JsonValue, { inputs = new Map() }: Formula): FormulaContext {
  if (value.isPresent) value.allowOnly([CONTEXT_CAPSULE]);
  const capsule = value.isPresent ? required(value.get(CONTEXT_CAPSULE)) : value;
  if (capsule.isPresent) capsule.allowOnly(['warehouses']);
  const warehouses = capsule.isPresent
    ? mapOf(required(capsule.get('warehouses')), checkText, (each) => each.string())
    : undefined;
  const fetchUrls = Array.from(inputs, ([path, { ware }]) => {
    const address = warehouses?.get(ware);
    return [path, address === undefined ? [] : [address]] as const;
  });
  return { fetchUrls: new Map(fetchUrls), saveUrls: new Map() };
}
