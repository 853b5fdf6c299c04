import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { ImageError, type ImageErrorContext } from '../../core/errors.ts';
import { entryPath, LayerIndexBuilder } from '../../core/layer/layer-index.ts';
import { sourceFailure } from '../failure.ts';
import { FileTable } from '../file-table.ts';
import { HostFilesBlob } from '../host-files-blob.ts';
import { identityOf } from '../identity.ts';
import type { Layer } from '../layer.ts';
import type { Opening } from '../opening.ts';
import { ENTRIES_BETWEEN } from '../scan-tar.ts';
import { joinHostPath, walkDirectory } from './walk.ts';

/** A host directory as a layer. Its index is made at once, its files are opened when they are read. */
export function openDirectory(path: string, opening: Opening): Layer {
  const { reference, context, keepPermissions, onProgress } = opening;
  checkIsDirectory(path, context);
  const root = Buffer.from(resolve(path));
  const builder = new LayerIndexBuilder();
  const files = new FileTable();
  let count = 0;
  for (const { entry, stats } of walkDirectory(root, keepPermissions, context)) {
    builder.add(entry);
    if (entry.size > 0) files.add(count, entry.dataOffset, identityOf(stats));
    count++;
    if (count % ENTRIES_BETWEEN === 0) onProgress({ phase: 'reading layers', files: { done: count } });
  }
  const index = builder.finish();
  onProgress({ phase: 'reading layers', files: { done: count, total: count } });
  const pathOf = (entry: number): Buffer => joinHostPath(root, entryPath(index, entry));
  return { reference, index, blob: new HostFilesBlob(pathOf, index, files, context) };
}

function checkIsDirectory(path: string, context: ImageErrorContext): void {
  let isDirectory: boolean;
  try {
    isDirectory = statSync(path).isDirectory();
  } catch (error) {
    throw sourceFailure(error, context);
  }
  if (!isDirectory) throw new ImageError('layer-unsupported', 'it is not a directory', context);
}
