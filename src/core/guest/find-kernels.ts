import type { FileTree } from './file-tree.ts';

/** A kernel among files. */
export interface FoundKernel {
  readonly path: string;
  /** What `uname -r` says, as its name has it. */
  readonly release: string;
}

/** Where distributions put kernels: `vmlinuz-RELEASE` in boot, or `vmlinuz` beside its modules. */
const BOOT_NAME = /^(?:vmlinuz|vmlinux|Image)-([A-Za-z0-9][A-Za-z0-9._+~-]{0,127})$/;
const RELEASE = /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,127}$/;
const MODULE_FOLDERS = ['usr/lib/modules', 'lib/modules'] as const;
/** What boot also has under such names, and is not to be booted. */
const RESCUE = /rescue|(?:\.old|\.sig|\.hmac)$/;

/** The kernels in a tree, the newest release first; of one release that in boot. */
export function findKernels(tree: FileTree): FoundKernel[] {
  const inBoot = (tree.names('boot') ?? []).flatMap((name) => {
    const release = BOOT_NAME.exec(name)?.[1];
    return release === undefined || RESCUE.test(name) ? [] : [{ path: `boot/${name}`, release }];
  });
  const besideModules = MODULE_FOLDERS.flatMap((folder) =>
    (tree.names(folder) ?? [])
      .filter((release) => RELEASE.test(release))
      .map((release) => ({ path: `${folder}/${release}/vmlinuz`, release })),
  );
  const found = [...inBoot, ...besideModules].filter(({ path }) => (tree.size(path) ?? 0) > 0);
  const releases = new Map(found.reverse().map((kernel) => [kernel.release, kernel]));
  return [...releases.values()].sort((a, b) => compareReleases(b.release, a.release));
}

/** The directory of a release's modules in a tree; undefined where there is none. */
export function findModules(tree: FileTree, release: string): string | undefined {
  return MODULE_FOLDERS.map((folder) => `${folder}/${release}`).find((folder) => tree.names(folder) !== undefined);
}

/** Orders releases as people do: runs of digits are numbers, and a number is newer than what is none (6.1.0 and 6.1.0-rc1 are as bytes are). */
export function compareReleases(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const order = compareParts(left[i] ?? '', right[i] ?? '');
    if (order !== 0) return order;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

const partsOf = (release: string): string[] => release.match(/\d+|\D+/g) ?? [];
const isNumber = (part: string): boolean => /^\d/.test(part);

function compareParts(a: string, b: string): number {
  if (isNumber(a) && isNumber(b)) return Math.sign(Number(a) - Number(b));
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? 1 : -1;
  return a < b ? -1 : a > b ? 1 : 0;
}
