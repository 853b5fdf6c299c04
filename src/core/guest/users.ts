import { ImageError } from '../errors.ts';

/** Who a command runs as. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  /** Where its files are: HOME. */
  readonly home: string;
}

/** What an image knows of users; undefined where it has no such file. */
export interface UserFiles {
  /** /etc/passwd: passwd(5). */
  readonly passwd?: string | undefined;
  /** /etc/group: group(5). */
  readonly group?: string | undefined;
}

/** Above it are numbers that Linux keeps for nobody at all. */
const ID_MAX = 2 ** 31 - 1;

/**
 * Who `USER`, `UID`, `USER:GROUP` or `UID:GID` is in an image, as container engines see it: names and numbers are looked for in the
 * image's files, numbers need not be there; the groups that list a user count where no group is named. Throws `option-invalid`.
 */
export function resolveUser(spec: string, { passwd = '', group = '' }: UserFiles): ResolvedUser {
  const [userName, groupName] = splitOnce(spec);
  const users = linesOf(passwd);
  const wanted = userName === '' ? '0' : userName;
  const user = users.find(
    ([name, , uid]) => name === userName || (idOf(uid) !== undefined && idOf(uid) === idOf(wanted)),
  );
  const uid = idOf(user?.[2]) ?? idOf(wanted);
  if (uid === undefined) throw unknown('user', userName, 'passwd');
  const groups = linesOf(group);
  const home = user?.[5] ?? '';
  const common = { uid, home: home === '' ? '/' : home };
  if (groupName !== undefined && groupName !== '') {
    return { ...common, gid: groupId(groups, groupName), groups: [] };
  }
  const own = idOf(user?.[3]) ?? 0;
  const listed =
    user === undefined ? [] : groups.filter(([, , , members = '']) => members.split(',').includes(user[0]!));
  const others = listed.flatMap(([, , gid]) => idOf(gid) ?? []).filter((gid) => gid !== own);
  return { ...common, gid: own, groups: [...new Set(others)] };
}

function groupId(groups: readonly string[][], wanted: string): number {
  const found = groups.find(
    ([name, , gid]) => name === wanted || (idOf(gid) !== undefined && idOf(gid) === idOf(wanted)),
  );
  const gid = idOf(found?.[2]) ?? idOf(wanted);
  if (gid === undefined) throw unknown('group', wanted, 'group');
  return gid;
}

function splitOnce(spec: string): [string, string?] {
  const at = spec.indexOf(':');
  return at < 0 ? [spec] : [spec.slice(0, at), spec.slice(at + 1)];
}

/** The fields of each line that is no comment. */
function linesOf(file: string): string[][] {
  const lines = file.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split(':'));
}

function idOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text) || Number(text) > ID_MAX) return undefined;
  return Number(text);
}

function unknown(kind: string, name: string, file: string): ImageError {
  return new ImageError('option-invalid', `the image has no ${kind} ${JSON.stringify(name)} in /etc/${file}`);
}
