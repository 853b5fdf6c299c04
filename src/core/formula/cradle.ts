import type { Formula, FormulaAction, FormulaUserinfo } from './formula.ts';

/** The user of a formula that names none. */
const DEFAULT_ID = 1000;
export const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A formula with nothing left to choose. */
export interface FullFormula extends Formula {
  readonly action: FormulaAction & {
    readonly cwd: string;
    readonly userinfo: FormulaUserinfo & { readonly uid: number; readonly gid: number };
  };
}

/** Whether a formula gets more than its inputs: a home, a place to work, an environment. */
export const hasCradle = ({ action }: Formula): boolean => action.cradle !== 'disable';

/** Fills in what Repeatr does before it computes a formula's name: users always, the rest of the cradle where it is not disabled. */
export function withDefaults(formula: Formula): FullFormula {
  const { action } = formula;
  const { uid = DEFAULT_ID, gid = DEFAULT_ID, ...names } = action.userinfo ?? {};
  if (!hasCradle(formula)) {
    return { ...formula, action: { ...action, cwd: action.cwd || '/', userinfo: { ...names, uid, gid } } };
  }
  const username = names.username || (uid === 0 ? 'root' : 'reuser');
  const homedir = names.homedir || (uid === 0 ? '/root' : `/home/${username}`);
  const env = new Map([['HOME', homedir], ['USER', username], ['PATH', PATH], ...(action.env ?? [])]);
  return {
    ...formula,
    action: { ...action, cwd: action.cwd || '/task', env, userinfo: { uid, gid, username, homedir } },
  };
}
