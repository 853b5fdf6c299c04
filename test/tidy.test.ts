import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import type * as Pages from '../scripts/markdown-page.ts';
import type * as Program from '../src/cli/program.ts';

const ROOT = join(import.meta.dirname, '..');
const BINARY_EXTENSION = /\.(tar|t?gz|tgz|xz|zst|zip|img|iso|qcow2|wasm|png|jpe?g|gif|ico|pdf|so|node)$/;
/** Texts that are not ours to change. */
const FOREIGN = new Set(['LICENSE', 'package-lock.json']);

const git = spawnSync(
  'git',
  ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
  { cwd: ROOT },
);
const noGit = git.status !== 0;
if (noGit) console.log('tidy: skipped, because this is not a git checkout or git is missing');

const files = noGit ? [] : [...new Set(git.stdout.toString().split('\0'))].filter(isOurFile);

function isOurFile(path: string): boolean {
  return path !== '' && lstatSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile() === true;
}

const texts = new Map<string, string>();
for (const path of files) if (!BINARY_EXTENSION.test(path)) texts.set(path, readFileSync(join(ROOT, path), 'utf8'));

/** Every `path:line` of our own texts that matches; `among` narrows the paths. */
function linesMatching(pattern: RegExp, among: (path: string) => boolean = () => true): string[] {
  const found: string[] = [];
  for (const [path, text] of texts) {
    if (FOREIGN.has(path) || path === 'test/tidy.test.ts' || !among(path)) continue;
    text.split('\n').forEach((line, i) => pattern.test(line) && found.push(`${path}:${i + 1}: ${line.trim()}`));
  }
  return found;
}

const isMarkdown = (path: string): boolean => path.endsWith('.md');

function json(path: string): Record<string, Record<string, unknown>> {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as Record<string, Record<string, unknown>>;
}

describe.skipIf(noGit)('the files', () => {
  it('are found', () => {
    expect(files).toContain('package.json');
  });

  it('are texts', () => {
    expect(files.filter((path) => BINARY_EXTENSION.test(path))).toEqual([]);
    expect(
      [...texts].filter(([, text]) => text.includes('\0') || text.includes('\ufffd')).map(([path]) => path),
    ).toEqual([]);
  });

  it('have names in kebab-case', () => {
    const ours = files.filter((path) => /^(src|test|bench|golden-images|scripts|wasm|docs)\//.test(path));
    const names = ours.flatMap((path) => path.split('/')).filter((name) => name !== 'README.md');
    expect(names.filter((name) => !/^\.?[a-z0-9]+([-.][a-z0-9]+)*$/.test(name))).toEqual([]);
  });

  it('end with one newline and have no trailing space, tab or carriage return', () => {
    expect(linesMatching(/[ \t\r]$|\t/)).toEqual([]);
    const ours = [...texts].filter(([path, text]) => !FOREIGN.has(path) && text !== '');
    expect(ours.filter(([, text]) => !/[^\n]\n$/.test(text)).map(([path]) => path)).toEqual([]);
  });

  it('put off nothing', () => {
    expect(linesMatching(/\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([]);
  });

  it('speak about the program, not about who wrote it, when and where', () => {
    expect(linesMatching(/(?<!user[- ])\bagents?\b|\b(this|last|previous|next) session\b/i)).toEqual([]);
    expect(linesMatching(/(^|[\s(])(issue )?#\d+\b/)).toEqual([]);
    expect(linesMatching(/(?<![\w.])\/work\/|(?<![\w.])\/home\/\w+\/\w/)).toEqual([]);
  });
});

describe.skipIf(noGit)('the sources', () => {
  it('have no enum and no namespace', () => {
    expect(
      linesMatching(/^\s*(export |declare |const )*(enum|namespace) \w/, (path) => path.startsWith('src/')),
    ).toEqual([]);
  });

  it('import only packages that users get too', () => {
    const own = new Set([...dependenciesOf('package.json'), 'blockloom']);
    const foreign = [...texts]
      .filter(([path]) => /^src\/(?!nbd\/).*\.ts$/.test(path))
      .flatMap(([path, text]) =>
        packagesImported(text)
          .filter((name) => !own.has(name))
          .map((name) => `${path}: ${name}`),
      );
    expect(foreign).toEqual([]);
  });

  it('have the pages of the commands as `npm run docs` makes them', async () => {
    const compiled = join(ROOT, 'dist');
    const { createProgram } = (await import(join(compiled, 'src/cli/program.js'))) as typeof Program;
    const { markdownPages } = (await import(join(compiled, 'scripts/markdown-page.js'))) as typeof Pages;
    const made = [...markdownPages(await createProgram(new AbortController().signal))];
    const folder = 'docs/commands/';
    const there = files
      .filter((path) => path.startsWith(folder))
      .map((path) => [path.slice(folder.length), texts.get(path)]);
    expect(Object.fromEntries(there)).toEqual(Object.fromEntries(made));
  });

  it('document every name that the library exports', () => {
    expect(existsSync(join(ROOT, 'src/index.ts')) ? undocumented('src/index.ts') : []).toEqual([]);
  });

  it('are mirrored by test/unit', () => {
    const tests = files.filter((path) => /^test\/unit\/.*\.test\.ts$/.test(path));
    const strays = tests.filter((path) => {
      const subject = path.replace('test/unit/', 'src/').replace(/\.test\.ts$/, '');
      return !existsSync(join(ROOT, `${subject}.ts`)) && !existsSync(join(ROOT, subject));
    });
    expect(strays).toEqual([]);
  });
});

function dependenciesOf(manifest: string): string[] {
  return Object.keys(json(manifest).dependencies ?? {});
}

/** The packages that a module imports, without Node's own. */
function packagesImported(text: string): string[] {
  const specifiers = [...text.matchAll(/^(?:import|export)\b[^;]*?from '([^'.][^']*)'/gm)].map(([, name = '']) => name);
  return specifiers
    .filter((name) => !name.startsWith('node:'))
    .map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name);
}

/** The names without a docstring that a module exports, its re-exports followed. */
function undocumented(path: string): string[] {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const missing: string[] = [];
  for (const [, names = '', from = ''] of text.matchAll(/^export (?:type )?\{([^}]*)\} from '(\..*?)';/gms)) {
    const wanted = names
      .split(',')
      .map(
        (name) =>
          name
            .trim()
            .replace(/^type /, '')
            .split(' as ')[0] ?? '',
      )
      .filter(Boolean);
    missing.push(...wanted.flatMap((name) => nameWithoutDocstring(join(dirname(path), from), name)));
  }
  for (const [, from = ''] of text.matchAll(/^export \* from '(\..*?)';/gm))
    missing.push(...undocumented(join(dirname(path), from)));
  return [
    ...missing,
    ...declarations(text)
      .filter(({ documented }) => !documented)
      .map(({ name }) => `${path}: ${name}`),
  ];
}

function nameWithoutDocstring(path: string, name: string): string[] {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const declared = declarations(text).filter((declaration) => declaration.name === name);
  if (declared.length === 0) return undocumented(path).filter((line) => line.endsWith(`: ${name}`));
  return declared.some(({ documented }) => documented) ? [] : [`${path}: ${name}`];
}

function declarations(text: string): { name: string; documented: boolean }[] {
  const declaration =
    /(\*\/\n)?^export (?:declare |abstract |async )*(?:function\*?|class|const|let|interface|type) (\w+)/gm;
  return [...text.matchAll(declaration)].map(([, docstring, name = '']) => ({
    name,
    documented: docstring !== undefined,
  }));
}

describe.skipIf(noGit)('the documentation', () => {
  it('has every folder of src on its map', () => {
    const map = texts.get('docs/architecture.md') ?? '';
    const folders = files.flatMap((path) => /^(src\/(?:core\/)?[^/]+)\//.exec(path)?.[1] ?? []);
    expect([...new Set(folders)].filter((folder) => !map.includes(`\`${folder}/\``))).toEqual([]);
  });

  it('names npm scripts that exist', () => {
    const scripts = Object.keys(json('package.json').scripts ?? {});
    const named = [...texts]
      .filter(([path]) => isMarkdown(path))
      .flatMap(([, text]) => [...text.matchAll(/npm run ([\w:-]+)(?!.*--workspace)/g)].map(([, name = '']) => name));
    expect(named.filter((name) => !scripts.includes(name))).toEqual([]);
    expect(named).toContain('check');
  });

  it('has no dead links', () => {
    const dead = [...texts]
      .filter(([path]) => isMarkdown(path))
      .flatMap(([path, text]) =>
        [...text.matchAll(/\]\(([^)\s]+)\)/g)]
          .map(([, target = '']) => target)
          .filter((target) => !resolves(path, target))
          .map((target) => `${path}: ${target}`),
      );
    expect(dead).toEqual([]);
  });
});

/** Whether a relative link leads to a file and, with `#`, to a heading of it. */
function resolves(from: string, target: string): boolean {
  if (/^[a-z]+:/.test(target)) return true;
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? from : normalize(join(dirname(from), file));
  if (!existsSync(join(ROOT, path))) return false;
  if (anchor === undefined) return true;
  const headings = [...(texts.get(path) ?? '').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return headings.some(
    (heading) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-') === anchor,
  );
}

interface LockedPackage {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly optional?: boolean;
  readonly optionalDependencies?: Record<string, string>;
}

describe('package-lock.json', () => {
  const packages = Object.entries(json('package-lock.json').packages ?? {}) as [string, LockedPackage][];

  it('names no registry and no download address', () => {
    expect(packages.filter(([, { resolved }]) => resolved?.includes(':')).map(([path]) => path)).toEqual([]);
  });

  it('fixes the bytes of every package that is not for some platforms only', () => {
    const always = packages.filter(
      ([path, { link, optional }]) => path.includes('node_modules/') && !link && !optional,
    );
    expect(always.length).toBeGreaterThan(0);
    expect(always.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual([]);
  });

  it('holds the packages of every platform, without which npm ci refuses it', () => {
    const paths = new Set(packages.map(([path]) => path));
    const wanted = packages.flatMap(([, { optionalDependencies }]) => Object.keys(optionalDependencies ?? {}));
    expect(wanted.filter((name) => ![...paths].some((path) => path.endsWith(`node_modules/${name}`)))).toEqual([]);
  });
});
