import { ImageError } from '../core/errors.ts';
import type { FileTree } from '../core/guest/file-tree.ts';
import type { LoadedModule } from '../core/guest/initramfs.ts';
import { dependenciesOf, loadOrder, type ModuleIndex } from '../core/guest/module-index.ts';
import { type ModuleInfo, readModuleInfo } from '../core/guest/module-info.ts';
import { decompress } from '../sources/decompress/decompress.ts';
import { FORMAT_BYTES, formatOf } from '../sources/decompress/format.ts';

/** The most bytes that a module may have, compressed and not. */
const MODULE_BYTES_MAX = 256 * 1024 * 1024;

/** Where the modules of a kernel are. */
export interface ModuleFolder {
  readonly tree: FileTree;
  /** In the tree. */
  readonly path: string;
  readonly index: ModuleIndex;
}

/** The modules of `names` that a kernel has, and what they depend on, in the order of loading. Throws ImageError. */
export async function readModules(
  { tree, path, index }: ModuleFolder,
  names: readonly string[],
): Promise<LoadedModule[]> {
  const bytes = new Map<string, Uint8Array>();
  const infos = new Map<string, ModuleInfo>();
  const pending = [...names];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const file = index.paths.get(name);
    if (file === undefined || infos.has(name)) continue;
    const module = await plainBytes(tree.read(`${path}/${file}`, MODULE_BYTES_MAX), file);
    const info = readModuleInfo(module, file);
    bytes.set(name, module);
    infos.set(name, info);
    pending.push(...dependenciesOf(info));
  }
  return loadOrder(names, infos).map((name) => ({ name, bytes: bytes.get(name)! }));
}

/** The bytes of a module, which distributions compress. */
async function plainBytes(file: Uint8Array, name: string): Promise<Uint8Array> {
  const format = formatOf(file.subarray(0, FORMAT_BYTES));
  if (format !== 'gzip' && format !== 'xz' && format !== 'zstd') return file;
  const chunks: Uint8Array[] = [];
  let length = 0;
  const context = { reference: name };
  for await (const chunk of decompress(format, once(file), context, undefined)) {
    length += chunk.length;
    if (length > MODULE_BYTES_MAX)
      throw new ImageError('limit-exceeded', `more than ${MODULE_BYTES_MAX} bytes`, context);
    chunks.push(Uint8Array.from(chunk));
  }
  return Buffer.concat(chunks);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}
