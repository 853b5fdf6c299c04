import { countValue, mtimeValue, saltValue } from '../image/option-values.ts';
import { boot, disk } from './disk-shape.ts';
import { filesystemRecord } from './filesystem-shape.ts';
import type { Folder } from './folder.ts';
import { octal, owner } from './inline-shapes.ts';
import { layer } from './layer-shape.ts';
import { choice, constant, field, flag, list, option, record, type JsonSchema, text, wording } from './shape.ts';

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
      disk: field(disk(folder), 'a disk with a partition table around the filesystem, see below and [disks](disks.md)'),
      boot: field(
        boot(folder),
        'a disk that boots under UEFI, with what is in `disk`; without `disk` a GPT; see below and [disks](disks.md)',
      ),
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
      verity_superblock: field(flag, 'whether a superblock stands in front of the tree; default: true'),
      embed_inputs: field(flag, "name the layers by digest in the image's record"),
      format_version: field(option(countValue, ['integer']), 'the layout of the image; 1 is the only one yet'),
    },
    { required: ['blockloom', 'layers'] },
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
