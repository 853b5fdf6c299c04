import { displayName, utf8ByteString } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import type { Content } from './partition-content.ts';
import type { ReadPartition } from './read-partitions.ts';
import { isRootType } from './type-names.ts';

/** A partition, and what it holds. */
export interface FilledPartition {
  readonly partition: ReadPartition;
  readonly content: Content;
}

/**
 * The partition whose files are meant: the one of that number, name, or label of its filesystem; without one the root partition, else
 * the only one with ext2, ext3 or ext4, else the only one with FAT. Throws `option-invalid`, which lists them, where that is none or not one.
 */
export function choosePartition(all: readonly FilledPartition[], wanted: string | undefined): FilledPartition {
  if (wanted !== undefined) {
    const [chosen, ...others] = matching(all, wanted);
    if (chosen !== undefined && others.length === 0) return chosen;
    const what = chosen === undefined ? `the disk has no partition ${wanted}` : `several partitions are ${wanted}`;
    throw invalid(what, all);
  }
  const readable = all.filter(({ content }) => content.isFilesystem);
  const choices = [
    readable.filter(({ partition }) => isRootType(partition.typeName)),
    readable.filter(({ content }) => content.type !== 'vfat'),
    readable,
  ];
  const [chosen, ...others] = choices.find(({ length }) => length > 0) ?? [];
  if (chosen !== undefined && others.length === 0) return chosen;
  const what = chosen === undefined ? 'no partition holds ext2, ext3, ext4 or FAT' : 'which partition is not clear';
  throw invalid(what, all);
}

/** A number is one, whatever else is called so. */
function matching(all: readonly FilledPartition[], wanted: string): readonly FilledPartition[] {
  const byNumber = all.filter(({ partition }) => String(partition.number) === wanted);
  const byName = all.filter(({ partition }) => partition.name === wanted);
  const byLabel = all.filter(({ content }) => content.label === utf8ByteString(wanted));
  return [byNumber, byName, byLabel].find(({ length }) => length > 0) ?? [];
}

function invalid(what: string, all: readonly FilledPartition[]): ImageError {
  const list = all.length === 0 ? 'there is none' : all.map(describePartition).join(', ');
  return new ImageError('option-invalid', `${what}: ${list}`);
}

/** `2 "root" (ext4 "rootfs")`. */
function describePartition({
  partition: { number, name, typeName },
  content: { type, label },
}: FilledPartition): string {
  const quoted = (text: string): string => ` "${displayName(text)}"`;
  const held = `${type ?? typeName ?? 'unknown'}${label === '' ? '' : quoted(label)}`;
  return `${number}${name === '' ? '' : quoted(utf8ByteString(name))} (${held})`;
}
