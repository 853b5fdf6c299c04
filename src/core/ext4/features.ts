import { ImageError } from '../errors.ts';
import type { COMPAT, INCOMPAT, RO_COMPAT } from './format/features.ts';
import type { Ext4Options } from './options.ts';

/** The name of a feature, as dumpe2fs and mke2fs have it. */
export type FeatureName = keyof typeof COMPAT | keyof typeof INCOMPAT | keyof typeof RO_COMPAT;

/** The features of an image. */
export type Features = ReadonlySet<FeatureName>;

const EXT2: readonly FeatureName[] = ['filetype', 'sparse_super', 'large_file'];
const EXT4: readonly FeatureName[] = [
  'ext_attr',
  'dir_index',
  'extent',
  'filetype',
  'flex_bg',
  'metadata_csum_seed',
  'large_file',
  'huge_file',
  'dir_nlink',
  'extra_isize',
  'metadata_csum',
];
const READ_ONLY_GUESTS: readonly FeatureName[] = ['sparse_super2'];
const READ_WRITE_GUESTS: readonly FeatureName[] = ['has_journal', 'resize_inode', 'sparse_super'];

/** What may be asked for beside what a type of filesystem has anyway. */
const OPTIONAL: Readonly<Record<Ext4Options['fs'], readonly FeatureName[]>> = {
  ext4: ['64bit', 'inline_data', 'read-only'],
  ext2: ['ext_attr', 'read-only'],
};
/** Every name that is known for one type or the other. */
export const OPTIONAL_FEATURES: readonly FeatureName[] = [...new Set(Object.values(OPTIONAL).flat())].sort();

/** The features that options ask for; what only the content asks for comes on top. Throws `option-invalid`. */
export function featuresOf({ fs, journal, features }: Pick<Ext4Options, 'fs' | 'journal' | 'features'>): Features {
  const unknown = features.find((name) => !OPTIONAL[fs].includes(name));
  if (unknown !== undefined) {
    throw new ImageError('option-invalid', `the feature ${unknown} on ${fs}: ${OPTIONAL[fs].join(', ')}`);
  }
  if (fs === 'ext2') return new Set([...EXT2, ...features]);
  return new Set([...EXT4, ...(journal === undefined ? READ_ONLY_GUESTS : READ_WRITE_GUESTS), ...features]);
}

/** The bits of those features that one field of the superblock has, given the field's table. */
export function featureBits(table: Readonly<Record<string, number>>, features: Features): number {
  return [...features].reduce((bits, name) => bits | (table[name] ?? 0), 0) >>> 0;
}
