import {
  blockSizeValue,
  countValue,
  fatBitsValue,
  featuresValue,
  freeValue,
  journalValue,
  mountOptionsValue,
  mtimeValue,
  saltValue,
  sizeValue,
  uuidValue,
} from '../image/option-values.ts';
import type { Folder } from './folder.ts';
import { octal, owner } from './inline-shapes.ts';
import { layer } from './layer-shape.ts';
import {
  choice,
  constant,
  either,
  field,
  flag,
  list,
  option,
  record,
  type JsonSchema,
  text,
  wording,
} from './shape.ts';

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

/** A definition, whose relative paths begin in `folder`. */
export const definitionRecord = (folder: Folder) =>
  record(
    {
      blockloom: field(constant(1), 'the version of this format'),
      layers: field(
        list(layer(folder), 'a list of layers'),
        'the layers, bottom first: references, or maps, see below',
      ),
      filesystem: field(filesystemRecord, 'see below'),
      mtime: field(
        option(mtimeValue, ['string', 'integer']),
        "every time in the image: `fixed` (`SOURCE_DATE_EPOCH`, else 2010-01-01), `clamp` (a layer's, at most that), `keep` (a layer's own), or a time; default: `fixed`",
      ),
      owner: field(owner, "the owner of everything; default: the layers'"),
      chmod_mask: field(octal, 'permission bits to clear, as a umask does: `022`'),
      keep_permissions: field(
        flag,
        'take owners and modes of host directories as they are; default: 0:0, 0755 and 0644',
      ),
      symlinked_parents: field(
        choice('follow', 'replace', 'error'),
        "what a symlink among an entry's parents means; default: `follow`",
      ),
      platform: field(
        wording('OS/ARCH[/VARIANT]', 'linux/arm64'),
        "which image of an index; default: linux and this host's",
      ),
      fsverity: field(
        list(text, 'a list of paths of the image, or patterns'),
        'the files that have fs-verity, see [verity](verity.md)',
      ),
      verity: field(flag, 'append a dm-verity hash tree, see [verity](verity.md)'),
      verity_salt: field(
        option(saltValue, ['string']),
        'the salt of the tree; default: 32 bytes that are always the same',
      ),
      embed_inputs: field(flag, "name the layers by digest in the image's record"),
      format_version: field(option(countValue, ['integer']), 'the layout of the image; 1 is the only one yet'),
    },
    { required: ['blockloom', 'layers'], unsupported: { disk: 'partition tables are not supported yet' } },
  );

/** The JSON Schema of definitions, for editors. */
export function definitionSchema(): JsonSchema {
  const here: Folder = { path: (path) => path, reference: (reference) => reference };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'An image definition of blockloom',
    ...definitionRecord(here).schema,
  };
}
