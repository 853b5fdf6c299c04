import {
  blockSizeValue,
  countValue,
  fatBitsValue,
  featuresValue,
  freeValue,
  journalValue,
  mountOptionsValue,
  sizeValue,
  uuidValue,
} from '../image/option-values.ts';
import type { PartitionFilesystem } from '../image/disk-options.ts';
import { choice, either, field, flag, option, type Read, record, text } from './shape.ts';

/** True for the size that mke2fs chooses. */
const journal = either(flag, option(journalValue, ['string', 'integer']));

/** `filesystem` of a definition. */
export const filesystemRecord = record({
  type: field(
    choice('ext4', 'ext2', 'vfat', 'tar'),
    '`ext2` for systems that know nothing newer; `vfat` and `tar`, see [FAT](fat.md); default: `ext4`',
  ),
  fat_bits: field(option(fatBitsValue, ['integer']), 'which FAT; default: by the size, as mkfs.fat does'),
  fat_compat: field(choice('includeos'), 'for IncludeOS, which reads no long name whose entries stand in two sectors'),
  label: field(text, 'the volume name, at most 16 bytes, with FAT 11'),
  size: field(option(sizeValue, ['string', 'integer']), 'the exact size of the image; default: as large as needed'),
  device_size: field(
    option(sizeValue, ['string', 'integer']),
    'a larger size of the image, with zeros behind the filesystem, which `resize2fs` in a guest grows it into',
  ),
  journal: field(
    journal,
    'for guests that write: `true` or its size; a journal, room to grow while mounted, and free room',
  ),
  free: field(
    option(freeValue, ['string', 'integer']),
    'room to leave for a guest that writes; default: with a journal 10 %, at least 16 MiB, else none',
  ),
  features: field(option(featuresValue, ['string']), "features by mke2fs' names, with commas between them"),
  mount_options: field(
    option(mountOptionsValue, ['string']),
    "default mount options by tune2fs' names, with commas between them",
  ),
  inodes: field(option(countValue, ['integer']), 'at least this many inodes'),
  block_size: field(option(blockSizeValue, ['string', 'integer']), 'default: 4096'),
  uuid: field(option(uuidValue, ['string']), 'with FAT its volume id; default: derived from the tree and the options'),
  placement: field(
    choice('stable', 'compact'),
    'keep the place of what a higher layer removed, or close the gaps; default: `stable`',
  ),
});

/** The same as options of the library. */
export function filesystemOptions(found: Read<typeof filesystemRecord.fields>): PartitionFilesystem {
  const {
    block_size: blockSize,
    type: fs,
    mount_options: mountOptions,
    device_size: deviceSize,
    fat_bits: fatBits,
    fat_compat: fatCompat,
    ...same
  } = found;
  return { ...same, fs, fatBits, fatCompat, mountOptions, deviceSize, blockSize };
}
