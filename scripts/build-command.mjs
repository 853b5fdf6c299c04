// The command line as few files, which load faster than the modules that they are made of: those modules stay for the library.
// What others wrote is not in them: it is what npm installs.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { ROOT } from './dependencies.mjs';

const modules = join(ROOT, 'dist/src');
const target = join(ROOT, 'dist/bundle/cli');
/** As many commands and others that are loaded when they are needed share what is loaded at once. */
const SHARED_BY_MIN = 10;

rmSync(target, { recursive: true, force: true });
const bundle = await rolldown({
  input: { main: join(modules, 'cli/main.js'), 'serve-worker': join(modules, 'cli/serve-worker.js') },
  platform: 'node',
  external: /^(?!ext2fs-wasm$)[a-z@][^:]*$/,
});
await bundle.write({
  dir: target,
  chunkFileNames: '[name].js',
  codeSplitting: { groups: [{ name: 'shared', minShareCount: SHARED_BY_MIN }] },
  // Names stay, for who reads a stack.
  minify: { compress: false, mangle: false },
});
// A module of the bundle looks for it beside itself.
cpSync(join(modules, 'picture/page'), join(target, 'page'), {
  recursive: true,
  filter: (path) => !/\.d\.ts$|\.(?:map)$/.test(path),
});
