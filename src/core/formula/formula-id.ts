import { utf8ByteString } from '../bytes.ts';
import { base58 } from '../ware/base58.ts';
import { CborWriter } from '../ware/cbor.ts';
import type { Sha384 } from '../ware/fileset-hash.ts';
import { filterWords } from '../ware/filters.ts';
import { contentId } from './content-id.ts';
import { withDefaults } from './cradle.ts';
import type { Formula, FormulaAction, FormulaOutput, FormulaUserinfo } from './formula.ts';

/** What writes one value. */
type Write = (writer: CborWriter) => void;

/**
 * The name of a formula: as Repeatr has it, the SHA-384 of its CBOR, with the cradle's defaults filled in, in base 58; in Warpforge's form
 * the CID of what is in `formula.v1`.
 */
export function formulaId(formula: Formula, hash: Sha384): string {
  if (formula.warpforge !== undefined) return contentId(formula.warpforge, hash);
  hash.update(encodeFormula(formula));
  return base58(hash.digest());
}

/** Members are in the order of Repeatr's structures, where they are present; keys of maps in that of their bytes. */
function encodeFormula(formula: Formula): Uint8Array {
  const { inputs, action, outputs } = withDefaults(formula);
  const writer = new CborWriter();
  struct([
    ['inputs', orNull(inputs && map(inputs, ({ ware }) => text(ware)))],
    ['action', struct(actionMembers(action))],
    ['outputs', orNull(outputs && map(outputs, output))],
  ])(writer);
  return writer.finish();
}

function actionMembers(action: FormulaAction): [string, Write | undefined][] {
  const { exec = [], noop = false, env, userinfo } = action;
  return [
    ['exec', exec.length === 0 ? undefined : array(exec)],
    ['noop', noop ? (writer) => writer.boolean(true) : undefined],
    ['policy', present(action.policy)],
    ['cwd', present(action.cwd)],
    ['env', env === undefined || env.size === 0 ? undefined : map(env, text)],
    ['userinfo', userinfo && struct(userMembers(userinfo))],
    ['cradle', present(action.cradle)],
    ['hostname', present(action.hostname)],
  ];
}

function userMembers({ uid, gid, username, homedir }: FormulaUserinfo): [string, Write | undefined][] {
  return [
    ['uid', integer(uid)],
    ['gid', integer(gid)],
    ['username', present(username)],
    ['homedir', present(homedir)],
  ];
}

const output = ({ type, filters }: FormulaOutput): Write =>
  struct([
    ['packtype', text(type)],
    ['filters', map(new Map(Object.entries(filterWords(filters))), text)],
  ]);

const text =
  (value: string): Write =>
  (writer) =>
    writer.text(utf8ByteString(value));

const present = (value: string | undefined): Write | undefined => (value ? text(value) : undefined);

const integer = (value: number | undefined): Write | undefined =>
  value === undefined ? undefined : (writer) => writer.integer(value);

const orNull = (write: Write | undefined): Write => write ?? ((writer) => writer.null());

function array(values: readonly string[]): Write {
  return (writer) => {
    writer.array(values.length);
    for (const value of values) text(value)(writer);
  };
}

/** A map of the members that are there. */
function struct(members: readonly (readonly [string, Write | undefined])[]): Write {
  return (writer) => {
    const there = members.filter(([, write]) => write !== undefined);
    writer.map(there.length);
    for (const [key, write] of there) {
      writer.text(key);
      write!(writer);
    }
  };
}

function map<T>(values: ReadonlyMap<string, T>, write: (value: T) => Write): Write {
  const entries = Array.from(values, ([key, value]) => [utf8ByteString(key), value] as const);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return (writer) => {
    writer.map(entries.length);
    for (const [key, value] of entries) {
      writer.text(key);
      write(value)(writer);
    }
  };
}
