// Builds dist/: assembly/ to WebAssembly, that to a module holding it as base64, and the TypeScript around it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const generated = join(root, 'build/kernels.ts');
const outputs = [generated, join(root, 'dist/index.js'), join(root, 'dist/index.d.ts')];
const sources = ['build.mjs', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'index.ts'];

/** Every option that decides the bytes is here: none comes from a configuration file. */
const ascOptions =
  '--optimizeLevel 3 --shrinkLevel 0 --converge --noAssert --runtime stub --use abort= --initialMemory 2 --maximumMemory 2';

/** @returns {Promise<Uint8Array>} The bytes of the WebAssembly module. */
export async function compileKernels() {
  const { main } = await import('assemblyscript/asc');
  let wasm;
  const { error, stderr } = await main(['assembly/index.ts', '--outFile', 'kernels.wasm', ...ascOptions.split(' ')], {
    readFile: (name) => readText(join(root, name)),
    writeFile: (name, contents) => {
      if (name === 'kernels.wasm') wasm = contents;
    },
    listFiles: () => [],
  });
  if (error) throw new Error(`${error.message}\n${stderr}`);
  return wasm;
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

function isUpToDate() {
  const folders = ['assembly', 'host', 'twin'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(folder, name)),
  );
  const newest = Math.max(...[...sources, ...folders].map((name) => statSync(join(root, name)).mtimeMs));
  return outputs.every((path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > newest);
}

async function build() {
  const base64 = Buffer.from(await compileKernels()).toString('base64');
  mkdirSync(dirname(generated), { recursive: true });
  const partial = `${generated}.${process.pid}`;
  writeFileSync(
    partial,
    `/** The WebAssembly module of assembly/, in base64. */\nexport const KERNELS: string =\n  '${base64}';\n`,
  );
  renameSync(partial, generated);
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  execFileSync(process.execPath, [join(typescript, 'bin/tsc'), '-p', join(root, 'tsconfig.build.json')], {
    stdio: 'inherit',
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !isUpToDate()) await build();
