import type { FileTree } from '../../src/core/guest/file-tree.ts';

/** A tree of files that are told by their paths. */
export function memoryTree(files: Readonly<Record<string, string | Uint8Array>>): FileTree {
  const bytesOf = (path: string): Uint8Array | undefined => {
    const content = Object.hasOwn(files, path) ? files[path] : undefined;
    return typeof content === 'string' ? Buffer.from(content) : content;
  };
  return {
    names(folder) {
      const below = Object.keys(files).filter((path) => path.startsWith(`${folder}/`));
      const names = new Set(below.map((path) => path.slice(folder.length + 1).split('/')[0]!));
      return names.size === 0 ? undefined : [...names];
    },
    size: (path) => bytesOf(path)?.length,
    read(path, bytesMax) {
      const bytes = bytesOf(path);
      if (bytes === undefined || bytes.length > bytesMax) throw new Error(`no ${path} of at most ${bytesMax} bytes`);
      return bytes;
    },
  };
}
