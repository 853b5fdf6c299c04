// The page of `map --html`: its script as one file, its style as it is, beside the module that puts them into a page.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { ROOT } from './dependencies.mjs';

const source = join(ROOT, 'src/picture/page');
const target = join(ROOT, 'dist/src/picture/page');

mkdirSync(target, { recursive: true });
const bundle = await rolldown({ input: join(source, 'page.ts') });
await bundle.write({ file: join(target, 'page.js'), format: 'esm', minify: true });
copyFileSync(join(source, 'style.css'), join(target, 'style.css'));
