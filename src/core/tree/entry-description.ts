import { byteString } from '../bytes.ts';
import {
  entryLinkPathBytes,
  entryPath,
  entrySegments,
  entryXattrs,
  isSparse,
  type LayerIndex,
} from '../layer/layer-index.ts';
import { entryAttributes, type MetadataPolicy } from './metadata.ts';

/**
 * All that a layer says of an entry but a file's bytes, as the image takes it, in one line of JSON: path, type, mode, owner, group,
 * time, size, device, link, xattrs by name, and the data of a sparse file as offsets and lengths. Byte strings have a character a byte.
 */
export function describeEntry(index: LayerIndex, entry: number, policy: MetadataPolicy): string {
  const { mode, uid, gid, seconds, nanoseconds } = entryAttributes(index, entry, policy);
  const device = [index.deviceMajor[entry], index.deviceMinor[entry]];
  const link = byteString(entryLinkPathBytes(index, entry));
  const xattrs = entryXattrs(index, entry).map(({ name, value }) => [name, byteString(value)]);
  const data = isSparse(index, entry)
    ? entrySegments(index, entry).map(({ offset, length }) => [offset, length])
    : null;
  const size = index.size[entry];
  const numbers = [index.type[entry], mode, uid, gid, seconds, nanoseconds, size];
  return `${JSON.stringify([entryPath(index, entry), ...numbers, device, link, xattrs, data])}\n`;
}
