import { displayName } from '../../bytes.ts';
import { EntryType } from '../../layer/entry.ts';
import type { ReadMapRow } from '../../ext4/reader/read-map.ts';
import type { DataRun } from '../../reading/filesystem.ts';
import { roundUp } from '../../struct.ts';
import { walk } from '../../reading/walk.ts';
import type { FatFilesystem } from './filesystem.ts';

/** What lives where in a FAT filesystem, in order and without gap. `size` is the image's, in bytes. */
export function* fatMapRows(filesystem: FatFilesystem, size: number): Generator<ReadMapRow, void> {
  let end = 0;
  for (const row of rowsOf(filesystem)) {
    const start = Math.max(row.start, end);
    if (start > end) yield { start: end, length: start - end, zero: false, label: 'free', ino: undefined };
    const to = row.start + row.length;
    // A damaged filesystem may have one cluster in two chains.
    if (to > start) yield { ...row, start, length: to - start };
    end = Math.max(end, to);
  }
  if (end < size) yield { start: end, length: size - end, zero: false, label: 'free', ino: undefined };
}

/** What is in use, ascending. */
function rowsOf(filesystem: FatFilesystem): ReadMapRow[] {
  const { firstTable, tables, tableLength, clusterSize } = filesystem.volume;
  const rows = [rowOf({ start: 0, length: firstTable }, 'boot sector and reserved sectors')];
  for (let i = 0; i < tables; i++) {
    const place = { start: firstTable + i * tableLength, length: tableLength };
    rows.push(rowOf(place, `file allocation table ${i + 1}`));
  }
  for (const { path, inode } of walk(filesystem, filesystem.root)) {
    const isDirectory = inode.type === EntryType.directory;
    const name = displayName(path, Number.POSITIVE_INFINITY);
    const label = `${isDirectory ? 'directory' : 'file'} /${name}`;
    const places = isDirectory
      ? filesystem.directoryParts(inode)
      : Array.from(filesystem.runs(inode), (run) => placeOf(run, clusterSize));
    for (const place of places) rows.push(rowOf(place, label, inode.ino));
  }
  return rows.sort((a, b) => a.start - b.start);
}

/** Whole clusters. */
const placeOf = ({ imageOffset, length }: DataRun, clusterSize: number) => ({
  start: imageOffset,
  length: roundUp(length, clusterSize),
});

const rowOf = (
  place: { readonly start: number; readonly length: number },
  label: string,
  ino?: number,
): ReadMapRow => ({
  ...place,
  zero: false,
  label,
  ino,
});
