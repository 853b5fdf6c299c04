// `npm run docs` writes docs/commands; `npm pack` writes man. Both are made of the command tree alone.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProgram } from '../src/cli/program.ts';
import { manPages } from './man-page.ts';
import { markdownPages } from './markdown-page.ts';

/** Writes the pages of a kind into a folder, and removes what else is there. */
function writePages(folder: string, pages: ReadonlyMap<string, string>): void {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (!pages.has(name)) rmSync(join(folder, name));
  for (const [name, text] of pages) writeFileSync(join(folder, name), text);
}

const program = await createProgram(new AbortController().signal);
const [kind, folder] = process.argv.slice(2);
if (folder === undefined || (kind !== 'markdown' && kind !== 'man')) throw new Error('markdown FOLDER, or man FOLDER');
writePages(folder, kind === 'man' ? manPages(program) : markdownPages(program));
