import { ImageError } from '../errors.ts';
import { JsonValue } from '../oci/json.ts';
import { type Filters, filtersOf, type TimeOf } from '../ware/filters.ts';
import { type PackType, parsePackType } from '../ware/ware-id.ts';
import { withoutTrailingCommas } from './tolerant-json.ts';

/** What Repeatr runs: names of wares by path, what to do with them, and what to pack afterwards. Paths are absolute, as written. */
export interface Formula {
  /** WareIDs, or `mount:ro:PATH` and `mount:rw:PATH`; undefined where there is no such member. */
  readonly inputs: ReadonlyMap<string, string> | undefined;
  readonly action: FormulaAction;
  readonly outputs: ReadonlyMap<string, FormulaOutput> | undefined;
}

export interface FormulaAction {
  readonly exec?: readonly string[] | undefined;
  /** Whether nothing is run, and outputs are parts of the inputs. */
  readonly noop?: boolean | undefined;
  readonly policy?: string | undefined;
  readonly cwd?: string | undefined;
  readonly env?: ReadonlyMap<string, string> | undefined;
  readonly userinfo?: FormulaUserinfo | undefined;
  /** `disable`: the filesystem is the inputs and nothing else. */
  readonly cradle?: string | undefined;
  readonly hostname?: string | undefined;
}

export interface FormulaUserinfo {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly username?: string | undefined;
  readonly homedir?: string | undefined;
}

export interface FormulaOutput {
  readonly type: PackType;
  readonly filters: Partial<Filters>;
}

/** Where wares are fetched from and saved to, by path. */
export interface FormulaContext {
  readonly fetchUrls: ReadonlyMap<string, readonly string[]>;
  readonly saveUrls: ReadonlyMap<string, string>;
}

/** The longest document that is read, in bytes, and the most members and elements of each object and array in it. */
const BYTES_MAX = 4 * 1024 * 1024;
const COUNT_MAX = 65_536;
const TEXT_MAX = 1024 * 1024;
const ID_MAX = 2 ** 32 - 2;

/**
 * Reads a formula and its context. `name` names the document in errors, `timeOf` reads RFC 3339 times of filters. Unknown members are
 * refused, as Repeatr does. Throws `formula-invalid`, or `option-invalid` for a filter or a pack type.
 */
export function parseFormula(
  bytes: Uint8Array,
  name: string,
  timeOf: TimeOf,
): { formula: Formula; context: FormulaContext } {
  const document = parseDocument(bytes, name);
  document.allowOnly(['formula', 'context']);
  return { formula: formulaOf(document.get('formula'), timeOf), context: contextOf(document.get('context')) };
}

function parseDocument(bytes: Uint8Array, name: string): JsonValue {
  const invalid = (what: string, cause?: unknown): ImageError =>
    new ImageError('formula-invalid', `${name} ${what}`, {}, cause === undefined ? {} : { cause });
  if (bytes.length > BYTES_MAX) throw invalid(`has ${bytes.length} bytes, at most ${BYTES_MAX} are read`);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return new JsonValue(JSON.parse(withoutTrailingCommas(text)), name, '', 'formula-invalid');
  } catch (error) {
    throw invalid('is not JSON', error);
  }
}

function formulaOf(value: JsonValue, timeOf: TimeOf): Formula {
  value.allowOnly(['inputs', 'action', 'outputs']);
  return {
    inputs: mapOf(value.get('inputs'), checkPath, (each) => each.string(TEXT_MAX)),
    action: actionOf(value.get('action')),
    outputs: mapOf(value.get('outputs'), checkPath, (each) => outputOf(each, timeOf)),
  };
}

/** The members of an object, checked and read; undefined where it is absent. */
function mapOf<T>(
  value: JsonValue,
  check: (key: string, value: JsonValue) => void,
  read: (value: JsonValue) => T,
): ReadonlyMap<string, T> | undefined {
  if (!value.isPresent) return undefined;
  return new Map(
    value.members(COUNT_MAX).map(([key, each]) => {
      check(key, each);
      return [key, read(each)];
    }),
  );
}

function checkPath(path: string, value: JsonValue): void {
  if (!path.startsWith('/')) throw value.invalid('an absolute path', JSON.stringify(path.slice(0, 80)));
}

const anyKey = (): void => undefined;

function actionOf(value: JsonValue): FormulaAction {
  value.allowOnly(['exec', 'noop', 'policy', 'cwd', 'env', 'userinfo', 'cradle', 'hostname']);
  const cwd = value.get('cwd');
  if (cwd.isPresent) checkPath(cwd.string(), cwd);
  return {
    exec: value.get('exec').isPresent ? stringsOf(value.get('exec')) : undefined,
    noop: value.get('noop').optionalBoolean(),
    policy: optionalOneOf(value.get('policy'), ['routine', 'governor', 'sysad']),
    cwd: cwd.optionalString(),
    env: mapOf(value.get('env'), anyKey, (each) => each.string(TEXT_MAX)),
    userinfo: value.get('userinfo').isPresent ? userinfoOf(value.get('userinfo')) : undefined,
    cradle: optionalOneOf(value.get('cradle'), ['disable']),
    hostname: value.get('hostname').optionalString(),
  };
}

const stringsOf = (value: JsonValue): string[] => value.elements(COUNT_MAX).map((each) => each.string(TEXT_MAX));

function optionalOneOf(value: JsonValue, values: readonly string[]): string | undefined {
  return value.isPresent ? value.oneOf(values) : undefined;
}

function userinfoOf(value: JsonValue): FormulaUserinfo {
  value.allowOnly(['uid', 'gid', 'username', 'homedir']);
  const homedir = value.get('homedir');
  if (homedir.isPresent) checkPath(homedir.string(), homedir);
  const id = (key: string): number | undefined =>
    value.get(key).isPresent ? value.get(key).integer(0, ID_MAX) : undefined;
  return {
    uid: id('uid'),
    gid: id('gid'),
    username: value.get('username').optionalString(),
    homedir: homedir.optionalString(),
  };
}

function outputOf(value: JsonValue, timeOf: TimeOf): FormulaOutput {
  value.allowOnly(['packtype', 'filters']);
  const filters = value.get('filters').members(COUNT_MAX);
  return {
    type: parsePackType(value.get('packtype').string()),
    filters: filtersOf(
      filters.map(([key, each]) => [key, each.string()]),
      timeOf,
    ),
  };
}

function contextOf(value: JsonValue): FormulaContext {
  if (value.isPresent) value.allowOnly(['fetchUrls', 'saveUrls']);
  const of = (key: string): JsonValue => (value.isPresent ? value.get(key) : value);
  return {
    fetchUrls: mapOf(of('fetchUrls'), checkPath, stringsOf) ?? new Map(),
    saveUrls: mapOf(of('saveUrls'), checkPath, (each) => each.string()) ?? new Map(),
  };
}
