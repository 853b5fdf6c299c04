import { byteString } from '../bytes.ts';
import type { EntryType } from '../layer/entry.ts';
import {
  entryLinkPathBytes,
  entryPath,
  entrySegments,
  entryXattrs,
  isSparse,
  type LayerIndex,
  LayerIndexBuilder,
} from '../layer/layer-index.ts';
import { applyFilters, type Filters } from './filters.ts';

/** The same layer behind filters, in its order. Directories that are only implied stay as they are. Throws `ware-filtered`. */
export function filterIndex(index: LayerIndex, filters: Filters): LayerIndex {
  const builder = new LayerIndexBuilder();
  for (let entry = 0; entry < index.count; entry++) {
    const filtered = applyFilters(
      {
        path: entryPath(index, entry),
        type: index.type[entry] as EntryType,
        linkPath: byteString(entryLinkPathBytes(index, entry)),
        mode: index.mode[entry]!,
        uid: index.uid[entry]!,
        gid: index.gid[entry]!,
        mtimeSeconds: index.mtimeSeconds[entry]!,
        mtimeNanoseconds: index.mtimeNanoseconds[entry]!,
        size: index.size[entry]!,
        dataOffset: index.dataOffset[entry]!,
        segments: isSparse(index, entry) ? entrySegments(index, entry) : undefined,
        deviceMajor: index.deviceMajor[entry]!,
        deviceMinor: index.deviceMinor[entry]!,
        xattrs: entryXattrs(index, entry),
        headerOffset: index.headerOffset[entry]!,
      },
      filters,
    );
    if (filtered !== undefined) builder.add(filtered);
  }
  return builder.finish();
}
