import { execFileSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/**
 * Compiles `entry` (a path in the repository) and what it imports into `directory`, so that a process of its own can run
 * it on every Node; returns the compiled module's path.
 */
export function compileInto(directory: string, entry: string): string {
  const config = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      rootDir: ROOT,
      outDir: directory,
      declaration: false,
      typeRoots: [join(ROOT, 'node_modules/@types')],
    },
    files: [join(ROOT, entry)],
    include: [],
  };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config));
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', join(directory, 'tsconfig.json')], { stdio: 'pipe', encoding: 'utf8' });
  return join(directory, entry.replace(/\.ts$/, '.js'));
}
