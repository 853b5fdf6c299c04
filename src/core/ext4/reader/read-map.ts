import { type ByteString, byteString, displayName } from '../../bytes.ts';
import type { MapRow } from '../../plan/map.ts';
import { BlockUse } from './block-use.ts';
import type { Filesystem } from './filesystem.ts';
import { NO_NAME, type Survey, surveyFilesystem } from './survey.ts';

/** A part of an image, with the inode that it belongs to, where it does to one that has a name. */
export interface ReadMapRow extends MapRow {
  readonly ino: number | undefined;
}

const LABELS: Readonly<Record<BlockUse, string>> = {
  [BlockUse.superblock]: 'superblock',
  [BlockUse.groupDescriptors]: 'group descriptors',
  [BlockUse.bitmap]: 'bitmap',
  [BlockUse.inodeTable]: 'inode table',
  [BlockUse.journal]: 'journal',
  [BlockUse.record]: 'image record',
  [BlockUse.directory]: 'directory',
  [BlockUse.xattr]: 'extended attributes',
  [BlockUse.extentTree]: 'extent tree of',
  [BlockUse.symlink]: 'symlink',
  [BlockUse.file]: 'file',
};

/** What lives where in a filesystem of which nothing else is known, in order and without gap. `size` is the image's, in bytes. */
export function* readMapRows(filesystem: Filesystem, size: number): Generator<ReadMapRow, void> {
  const survey = surveyFilesystem(filesystem);
  const { blockSize } = filesystem.superblock;
  let end = 0;
  const free = (to: number): ReadMapRow => ({
    start: end,
    length: to - end,
    zero: false,
    label: 'free',
    ino: undefined,
  });
  for (let run = 0; run < survey.runCount; run++) {
    const start = Math.max(survey.runStart[run]! * blockSize, end);
    const to = (survey.runStart[run]! + survey.runLength[run]!) * blockSize;
    if (start > end) yield free(start);
    if (to > start) {
      const name = survey.runName[run]!;
      const use = LABELS[survey.runUse[run] as BlockUse];
      const label = name === NO_NAME ? use : `${use} ${displayName(pathOf(survey, name), Number.POSITIVE_INFINITY)}`;
      yield { start, length: to - start, zero: false, label, ino: survey.nameIno[name] };
    }
    end = Math.max(end, to);
  }
  if (end < size) yield free(size);
}

/** The path of a name from the root, with a leading slash. */
function pathOf(survey: Survey, name: number): ByteString {
  const parts: ByteString[] = [];
  for (let at = name; at !== 0; at = survey.nameParent[at]!) {
    parts.push(byteString(survey.nameBytes.subarray(at === 0 ? 0 : survey.nameEnd[at - 1], survey.nameEnd[at])));
  }
  return `/${parts.reverse().join('/')}`;
}
