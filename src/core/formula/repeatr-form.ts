import type { JsonValue } from '../oci/json.ts';
import { filtersOf, LOSSLESS, type TimeOf } from '../ware/filters.ts';
import { parsePackType } from '../ware/ware-id.ts';
import {
  type Formula,
  type FormulaAction,
  type FormulaContext,
  type FormulaOutput,
  type FormulaUserinfo,
  POLICIES,
} from './formula.ts';
import { checkPath, checkVariable, filterMembers, mapOf, TEXT_MAX, textOf, textsOf } from './members.ts';

const ID_MAX = 2 ** 32 - 2;
/** What the kernel keeps of a host's name, in bytes. */
const HOSTNAME_MAX = 64;

/** Reads a formula in Repeatr's form. Unknown members are refused, as Repeatr does. Throws `formula-invalid` or `option-invalid`. */
export function repeatrFormula(value: JsonValue, timeOf: TimeOf): Formula {
  value.allowOnly(['inputs', 'action', 'outputs']);
  const outputs = mapOf(value.get('outputs'), checkPath, (each) => outputOf(each, timeOf));
  return {
    inputs: mapOf(value.get('inputs'), checkPath, (each) => ({ ware: each.string(TEXT_MAX), filters: LOSSLESS })),
    action: actionOf(value.get('action')),
    outputs: outputs && new Map(Array.from(outputs, ([path, output]) => [path, { path, ...output }])),
  };
}

function actionOf(value: JsonValue): FormulaAction {
  value.allowOnly(['exec', 'noop', 'policy', 'cwd', 'env', 'userinfo', 'cradle', 'hostname']);
  const cwd = value.get('cwd');
  if (cwd.isPresent) checkPath(cwd.string(), cwd);
  return {
    exec: value.get('exec').isPresent ? textsOf(value.get('exec')) : undefined,
    noop: value.get('noop').optionalBoolean(),
    policy: optionalOneOf(value.get('policy'), POLICIES),
    cwd: cwd.optionalString(),
    env: mapOf(value.get('env'), checkVariable, textOf),
    userinfo: value.get('userinfo').isPresent ? userinfoOf(value.get('userinfo')) : undefined,
    cradle: optionalOneOf(value.get('cradle'), ['disable']),
    hostname: hostnameOf(value.get('hostname')),
  };
}

function optionalOneOf<T extends string>(value: JsonValue, values: readonly T[]): T | undefined {
  return value.isPresent ? value.oneOf(values) : undefined;
}

function hostnameOf(value: JsonValue): string | undefined {
  if (!value.isPresent || value.string() === '') return value.optionalString();
  return value.matching(new RegExp(`^[A-Za-z0-9][A-Za-z0-9.-]{0,${HOSTNAME_MAX - 1}}$`), 'the name of a host');
}

function userinfoOf(value: JsonValue): FormulaUserinfo {
  value.allowOnly(['uid', 'gid', 'username', 'homedir']);
  const homedir = value.get('homedir');
  if (homedir.isPresent) checkPath(homedir.string(), homedir);
  const id = (key: string): number | undefined =>
    value.get(key).isPresent ? value.get(key).integer(0, ID_MAX) : undefined;
  const username = value.get('username');
  return {
    uid: id('uid'),
    gid: id('gid'),
    username: username.isPresent ? textOf(username) : undefined,
    homedir: homedir.optionalString(),
  };
}

function outputOf(value: JsonValue, timeOf: TimeOf): Omit<FormulaOutput, 'path'> {
  value.allowOnly(['packtype', 'filters']);
  return {
    type: parsePackType(value.get('packtype').string()),
    filters: filtersOf(filterMembers(value.get('filters')), timeOf),
  };
}

/** Reads the context of such a formula. */
export function repeatrContext(value: JsonValue): FormulaContext {
  if (value.isPresent) value.allowOnly(['fetchUrls', 'saveUrls']);
  const of = (key: string): JsonValue => (value.isPresent ? value.get(key) : value);
  return {
    fetchUrls: mapOf(of('fetchUrls'), checkPath, textsOf) ?? new Map(),
    saveUrls: mapOf(of('saveUrls'), checkPath, (each) => each.string()) ?? new Map(),
  };
}
