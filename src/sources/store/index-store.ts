import { join } from 'node:path';
import { decodeLayerIndex, encodeLayerIndex, INDEX_VERSION } from '../../core/layer/index-file.ts';
import type { LayerIndex } from '../../core/layer/layer-index.ts';
import { readIfPresent, writeWhole } from './cache-directory.ts';
import { noteUse } from './last-used.ts';

/** The cached index of the layer of that name; undefined when there is none or it is damaged. */
export function loadIndex(cache: string, name: string): LayerIndex | undefined {
  const path = indexPath(cache, name);
  const bytes = readIfPresent(path);
  const index = bytes === undefined ? undefined : decodeLayerIndex(bytes);
  if (index !== undefined) noteUse(path);
  return index;
}

export function saveIndex(cache: string, name: string, index: LayerIndex): void {
  writeWhole(cache, indexPath(cache, name), encodeLayerIndex(index));
}

function indexPath(cache: string, name: string): string {
  return join(cache, 'index', `v${INDEX_VERSION}`, name);
}
