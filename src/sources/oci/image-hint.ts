import { entryPath, type LayerIndex } from '../../core/layer/layer-index.ts';

/** What holds images has few entries; a layer with more is one. */
const ENTRIES_MAX = 2000;
const BLOB = /^blobs\/sha256\/[0-9a-f]{64}$/;
/** What stands beside `manifest.json` in what older `docker save` writes. */
const OF_DOCKER = /^[0-9a-f]{64}(?:\.json|\.tar|\/layer\.tar)$/;

/** A warning for who named a container image at a path as if it were a layer; undefined for a layer. */
export function imageHint(path: string, index: LayerIndex, isDirectory: boolean): string | undefined {
  if (index.count > ENTRIES_MAX) return undefined;
  const paths = new Set(Array.from({ length: index.count }, (_, entry) => entryPath(index, entry)));
  const holds = (pattern: RegExp): boolean => [...paths].some((each) => pattern.test(each));
  const isLayout = paths.has('oci-layout') && paths.has('index.json') && holds(BLOB);
  const isOfDocker = paths.has('manifest.json') && (holds(BLOB) || holds(OF_DOCKER));
  const transport = isDirectory
    ? isLayout
      ? 'oci'
      : undefined
    : isOfDocker
      ? 'docker-archive'
      : isLayout
        ? 'oci-archive'
        : undefined;
  if (transport === undefined) return undefined;
  return `${path} holds a container image, and is taken for a layer as it is; its layers are read with ${transport}:${path}`;
}
