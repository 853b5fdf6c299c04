import { byteString } from '../bytes.ts';
import { assert, ImageError } from '../errors.ts';
import type { FileTree } from './file-tree.ts';
import { type ModuleInfo, moduleName } from './module-info.ts';

/** Lists of modules are no longer than this; a distribution's kernel has a few hundred KiB. */
const LIST_BYTES_MAX = 16 * 1024 * 1024;

/** Which modules a kernel has, and which are part of it, by the lists in the directory of its modules. */
export interface ModuleIndex {
  /** Paths in the directory, by name. */
  readonly paths: ReadonlyMap<string, string>;
  /** Names of what could be modules and is in the kernel itself; undefined where nothing tells. */
  readonly builtIn: ReadonlySet<string> | undefined;
}

/** Reads `modules.dep`, without it `modules.order`, which depmod need not have made, and `modules.builtin` of a directory. */
export function readModuleIndex(tree: FileTree, folder: string): ModuleIndex {
  const lines = (name: string): string[] | undefined => {
    const path = `${folder}/${name}`;
    if (tree.size(path) === undefined) return undefined;
    return byteString(tree.read(path, LIST_BYTES_MAX))
      .split('\n')
      .filter((line) => line !== '');
  };
  const listed = lines('modules.dep')?.map((line) => line.split(':')[0]!) ?? lines('modules.order') ?? [];
  const builtIn = lines('modules.builtin');
  return {
    paths: new Map(listed.map((path) => [moduleName(path), path])),
    builtIn: builtIn && new Set(builtIn.map(moduleName)),
  };
}

/** A module that a guest is to have, and whether it can do without. */
export interface WantedModule {
  readonly name: string;
  readonly why: string;
  readonly isOptional?: boolean;
}

/** Throws `guest-failed` for a module that is neither there nor, as far as is told, in the kernel. */
export function checkModules(index: ModuleIndex, wanted: readonly WantedModule[], release: string): void {
  for (const { name, why, isOptional = false } of wanted) {
    if (isOptional || index.paths.has(name) || index.builtIn === undefined || index.builtIn.has(name)) continue;
    throw new ImageError(
      'guest-failed',
      `the kernel ${release} has no ${name}, built in or as a module: it is for ${why}`,
    );
  }
}

/** The order in which modules are loaded: what one depends on first, and of what is equal as it was wanted. */
export function loadOrder(wanted: readonly string[], infos: ReadonlyMap<string, ModuleInfo>): string[] {
  const ordered: string[] = [];
  const state = new Map<string, 'entered' | 'done'>();
  const pending = [...wanted].reverse();
  while (pending.length > 0) {
    const name = pending.at(-1)!;
    const info = infos.get(name);
    if (info === undefined || state.get(name) === 'done') {
      pending.pop();
      continue;
    }
    const before = dependenciesOf(info).filter((each) => infos.has(each) && !state.has(each));
    if (state.get(name) === undefined && before.length > 0) {
      state.set(name, 'entered');
      pending.push(...before.reverse());
      continue;
    }
    pending.pop();
    state.set(name, 'done');
    ordered.push(name);
  }
  assert(new Set(ordered).size === ordered.length, 'a module is loaded once');
  return ordered;
}

export const dependenciesOf = ({ depends, softDepends }: ModuleInfo): string[] => [...softDepends, ...depends];
