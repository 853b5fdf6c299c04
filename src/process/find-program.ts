import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ImageError } from '../core/errors.ts';

/** The path of a program of this host; undefined where PATH has none of that name. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** The same; throws `tool-missing`, which says which Debian package has it. */
export function requireProgram(name: string, debian: string): string {
  const found = findProgram(name);
  if (found !== undefined) return found;
  throw new ImageError('tool-missing', `${name} is not installed here (Debian: apt-get install ${debian})`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
