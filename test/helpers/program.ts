import { readFileSync, realpathSync } from 'node:fs';
import { run } from './tools.ts';

/** A program of this host and the libraries that it loads, by path from the root, for a guest that has nothing else. */
export function programFiles(path: string): { name: string; mode: number; data: Buffer }[] {
  const libraries = run('ldd', [path])
    .toString()
    .matchAll(/(?:=> )?(\/\S+) \(0x/g);
  const files = [path, ...Array.from(libraries, ([, library = '']) => library)];
  return files.map((file) => ({ name: file.slice(1), mode: 0o755, data: readFileSync(realpathSync(file)) }));
}
