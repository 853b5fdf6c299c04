import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** What the files of each folder of src may import from the other folders; docs/architecture.md says why. */
const ARROWS: Record<string, readonly string[]> = {
  bridge: ['core', 'process'],
  cli: ['bridge', 'core', 'sources', 'image', 'definition', 'guest', 'sinks', 'nbd', 'overlay', 'picture', 'process'],
  core: [],
  definition: ['core', 'sources', 'image'],
  guest: ['core', 'process', 'sources'],
  image: ['core', 'sources'],
  nbd: [],
  overlay: ['core', 'image', 'nbd'],
  picture: ['core'],
  process: ['core'],
  sinks: ['core', 'sources', 'image'],
  sources: ['core'],
};

/** Which packages and parts of Node.js the files of each folder may not import. */
const FORBIDDEN_PACKAGES: Record<string, readonly string[]> = {
  bridge: ['commander', 'nbd-server-ts'],
  cli: [],
  core: ['node:fs', 'node:buffer', 'commander', 'p-limit', 'fzstd', '@scope/package', 'package/part', 'nbd-server-ts'],
  definition: ['commander', 'nbd-server-ts'],
  guest: ['commander', 'nbd-server-ts'],
  image: ['commander', 'nbd-server-ts'],
  nbd: ['commander', 'p-limit', 'ext2fs-wasm', '@scope/package', 'package/part'],
  overlay: ['commander', 'nbd-server-ts'],
  picture: ['commander', 'nbd-server-ts'],
  process: ['commander', 'nbd-server-ts'],
  sinks: ['commander', 'nbd-server-ts'],
  sources: ['commander', 'nbd-server-ts'],
};

const ALLOWED_PACKAGES: Record<string, readonly string[]> = {
  bridge: ['node:child_process'],
  cli: ['node:fs', 'commander'],
  core: ['ext2fs-wasm'],
  definition: ['node:fs', 'yaml'],
  guest: ['node:child_process'],
  image: ['node:crypto'],
  nbd: ['node:net'],
  overlay: ['node:fs', 'ext2fs-wasm'],
  picture: ['node:zlib'],
  process: ['node:child_process'],
  sinks: ['node:fs', 'p-limit'],
  sources: ['node:fs', 'p-limit'],
};

/** What code of src/core may not do, with the rule that reports it. */
const IMPURITIES: readonly (readonly [code: string, rule: string])[] = [
  ['Buffer.alloc(1)', 'no-restricted-globals'],
  ['process.env.TZ', 'no-restricted-globals'],
  ['new Date()', 'no-restricted-globals'],
  ['Date.now()', 'no-restricted-globals'],
  ['performance.now()', 'no-restricted-globals'],
  ['crypto.randomUUID()', 'no-restricted-globals'],
  ["fetch('http://localhost')", 'no-restricted-globals'],
  ['setTimeout(() => {}, 1)', 'no-restricted-globals'],
  ['new Intl.Collator()', 'no-restricted-globals'],
  ["console.log('x')", 'no-restricted-globals'],
  ['globalThis.process', 'no-restricted-globals'],
  ['Math.random()', 'no-restricted-properties'],
  ["'a'.localeCompare('b')", 'no-restricted-properties'],
  ["'A'.toLocaleLowerCase()", 'no-restricted-properties'],
  ["'a'.normalize()", 'no-restricted-properties'],
  ['async () => {}', 'no-async-await'],
];

/** Planted files by path, each with the rule that must report it; undefined: no import rule may report it. */
const planted = new Map<string, { text: string; rule: string | undefined }>();
let reported: Set<string>;
let folder: string;

function plant(path: string, text: string, rule: string | undefined): void {
  planted.set(path, { text, rule });
}

function plantImport(path: string, specifier: string, allowed: boolean): void {
  plant(path, `export { x } from '${specifier}';\n`, allowed ? undefined : 'no-restricted-imports');
}

function plantAll(): void {
  for (const [from, allowed] of Object.entries(ARROWS)) {
    for (const to of Object.keys(ARROWS).filter((name) => name !== from)) {
      plantImport(`src/${from}/to-${to}.ts`, `../${to}/x.ts`, allowed.includes(to));
      plantImport(`src/${from}/deep/to-${to}.ts`, `../../${to}/x.ts`, allowed.includes(to));
    }
    plantImport(`src/${from}/to-itself.ts`, './deep/x.ts', true);
    plantImport(`src/${from}/deep/to-itself.ts`, '../x.ts', true);
    plantImport(`src/${from}/to-test.ts`, '../../test/helpers/x.ts', false);
    plantImport(`src/${from}/to-door.ts`, '../index.ts', from === 'cli');
    FORBIDDEN_PACKAGES[from]?.forEach((name, i) => plantImport(`src/${from}/forbidden-${i}.ts`, name, false));
    ALLOWED_PACKAGES[from]?.forEach((name, i) => plantImport(`src/${from}/allowed-${i}.ts`, name, true));
    plant(`src/${from}/console.ts`, "console.log('x');\n", from === 'cli' ? undefined : 'no-console');
    plant(`src/${from}/exit.ts`, 'process.exit(1);\n', from === 'cli' ? undefined : 'no-process-exit');
    plant(`src/${from}/default.ts`, 'export default 1;\n', 'no-default-export');
  }
  plantImport('src/to-cli.ts', './cli/x.ts', false);
  plantImport('src/to-commander.ts', 'commander', false);
  plantImport('src/to-sinks.ts', './sinks/x.ts', true);
  IMPURITIES.forEach(([code, rule], i) => plant(`src/core/impurity-${i}.ts`, `export const x = ${code};\n`, rule));
  const lines = (count: number): string => '  x++;\n'.repeat(count);
  const longFunction = `export function f(x: number): number {\n${lines(68)}  return x;\n}\n`;
  plant('src/core/function-71.ts', longFunction, 'max-lines-per-function');
  plant('src/core/function-70.ts', longFunction.replace('  x++;\n', ''), undefined);
  plant('src/core/lines-401.ts', 'export {};\n'.repeat(401), 'max-lines');
  plant('src/core/CamelCase.ts', 'export {};\n', 'filename-case');
}

interface Diagnostic {
  readonly filename: string;
  readonly code: string;
}

/** Runs the linter on the planted tree and returns `path rule` for everything it reports. */
function lintPlanted(): Set<string> {
  copyFileSync(join(ROOT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  for (const [path, { text }] of planted) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/oxlint'), ['--format', 'json'], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: Diagnostic[] };
  return new Set(diagnostics.map(({ filename, code }) => `${filename} ${/\((.*)\)/.exec(code)?.[1]}`));
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lint-rules-'));
  plantAll();
  reported = lintPlanted();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const COVERED = new Set([
  'no-restricted-imports',
  'no-console',
  'no-process-exit',
  'max-lines',
  'max-lines-per-function',
  'filename-case',
]);

describe('the linter', () => {
  it('has a rule and a row of this test for every folder of src', () => {
    const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(Object.keys(ARROWS)).toEqual(expect.arrayContaining(folders.map(({ name }) => name)));
  });

  it('reports every planted violation', () => {
    const silent = [...planted].filter(([path, { rule }]) => rule !== undefined && !reported.has(`${path} ${rule}`));
    expect(silent).toEqual([]);
  });

  it('lets through what is allowed', () => {
    const allowed = new Set([...planted].filter(([, { rule }]) => rule === undefined).map(([path]) => path));
    const refused = [...reported].filter((line) => {
      const [path = '', rule = ''] = line.split(' ');
      return allowed.has(path) && COVERED.has(rule);
    });
    expect(refused).toEqual([]);
  });
});
