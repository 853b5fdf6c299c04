import { isAbsolute, relative, resolve } from 'node:path';
import { rebaseReference } from '../sources/reference.ts';

/** Where a definition is: its relative paths begin there. */
export interface Folder {
  /** The same file from the working directory. */
  path(path: string): string;
  /** The reference to the same from the working directory. Throws `option-invalid`. */
  reference(reference: string): string;
}

/** The folder at a path, which is relative to the working directory. */
export function folderAt(folder: string): Folder {
  const [from, to] = [resolve(folder), process.cwd()];
  return {
    path: (path) => (isAbsolute(path) || from === to ? path : relative(to, resolve(from, path))),
    reference: (reference) => rebaseReference(reference, from, to),
  };
}
