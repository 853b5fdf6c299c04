import { ARCHITECTURES, PARTITION_TYPES, type PartitionType } from '../core/disk/partition-types.ts';
import type {
  BootOptions,
  DiskOptions,
  PartitionContent,
  PartitionFilesystem,
  PartitionOptions,
} from '../image/disk-options.ts';
import { type OptionValue, sizeValue } from '../image/option-values.ts';
import type { Folder } from './folder.ts';
import { filesystemOptions, filesystemRecord } from './filesystem-shape.ts';
import { hostFiles } from './inline-shapes.ts';
import { layer } from './layer-shape.ts';
import { choice, field, flag, list, option, type Read, record, type Shape, text, wording } from './shape.ts';
import type { Cursor } from './value.ts';

const size = option(sizeValue, ['string', 'integer']);
const secondsValue: OptionValue<number> = {
  expected: 'a number of seconds',
  parse: (digits) => (/^\d{1,4}$/.test(digits) ? Number(digits) : undefined),
};

const layers = (folder: Folder) => list(layer(folder), 'a list of layers');

/** `esp` of a disk. */
export const espRecord = (folder: Folder) =>
  record({
    size: field(size, 'default: as large as needed, at least what FAT32 needs'),
    layers: field(layers(folder), 'what is in it, as `layers` of an image'),
    files: field(
      hostFiles(folder),
      'on top of them, files of this host by their path, or entries that are described here',
    ),
  });

const CONTENTS = ['swap', 'file', 'layers', 'empty'] as const;
const TYPES = Object.keys(PARTITION_TYPES) as [PartitionType, ...PartitionType[]];

/** One of `partitions` of a disk. */
export const partitionRecord = (folder: Folder) =>
  record(
    {
      swap: field(size, 'a swap area of this size'),
      file: field(wording('a path of this host', './data.img'), 'the bytes of a file'),
      layers: field(layers(folder), 'a filesystem of these layers'),
      empty: field(size, 'so many bytes of zeros'),
      filesystem: field(filesystemRecord, 'with `layers`: as `filesystem` of an image'),
      size: field(size, 'with `file`: zeros behind it up to this size'),
      type: field(choice(...TYPES), 'what the table says that it is; default: what the content tells'),
      name: field(text, 'its name in a GPT, at most 36 characters; default: its type'),
    },
    { schema: { oneOf: CONTENTS.map((name) => ({ required: [name] })) } },
  );

/** `boot` of a definition. */
export const bootRecord = record({
  kernel: field(
    wording('layers, host, or a path of this host', 'layers'),
    'the newest of the `layers` (`boot/vmlinuz-*`) or of this `host`, or a file; default: `layers`',
  ),
  initrd: field(
    wording('layers, host, none, or a path of this host', 'layers'),
    'the same, or `none`; default: where the kernel is from, `none` for a file',
  ),
  cmdline: field(text, 'kernel parameters behind those that name the root filesystem'),
  loader: field(
    choice('systemd-boot', 'uki'),
    'systemd-boot with an entry, or one unified kernel image; default: `systemd-boot`',
  ),
  efi: field(
    wording('a path of this host', './systemd-bootx64.efi'),
    "the file of systemd-boot or of the stub; default: systemd's, of the layers, else of this host",
  ),
  timeout: field(option(secondsValue, ['integer']), 'how long the menu is shown, in seconds; default: 0'),
});

const WORDS = ['layers', 'host', 'none'];

/** `boot` of a definition, as the library has it. */
export function boot(folder: Folder): Shape<BootOptions> {
  const pathIn = (name: string | undefined): string | undefined =>
    name === undefined || WORDS.includes(name) ? name : folder.path(name);
  return {
    ...bootRecord,
    read: (cursor) => {
      const { kernel, initrd, efi, ...same } = bootRecord.read(cursor);
      return { ...same, kernel: pathIn(kernel), initrd: pathIn(initrd), efi: efi && folder.path(efi) };
    },
  };
}

/** `disk` of a definition. */
export const diskRecord = (folder: Folder) =>
  record(
    {
      table: field(choice('gpt', 'mbr'), 'the kind of its partition table'),
      dax: field(flag, 'with `mbr`: guests may map it as NVDIMM without a page cache, as Kata Containers do'),
      architecture: field(
        choice(...ARCHITECTURES),
        'whose root partition a GPT says that the filesystem is; default: that of `platform`, else `x86-64`',
      ),
      esp: field(espShape(folder), 'the EFI system partition, before all others: FAT, see below'),
      partitions: field(list(partition(folder), 'a list of partitions'), 'behind that of the layers, see below'),
    },
    { required: ['table'] },
  );

/** `disk` of a definition, as the library has it. */
export function disk(folder: Folder): Shape<DiskOptions> {
  const map = diskRecord(folder);
  return {
    ...map,
    read: (cursor) => {
      const found = map.read(cursor);
      if (found.dax === true && found.table !== 'mbr')
        throw cursor.failure('found dax, expected it with table: mbr only');
      return { ...found, table: found.table! };
    },
  };
}

function espShape(folder: Folder): Shape<NonNullable<DiskOptions['esp']>> {
  const map = espRecord(folder);
  return {
    ...map,
    read: (cursor) => {
      const { files, layers: below = [], size: bytes } = map.read(cursor);
      return { size: bytes, layers: files === undefined ? below : [...below, { files }] };
    },
  };
}

type Found = Read<ReturnType<typeof partitionRecord>['fields']>;

function partition(folder: Folder): Shape<PartitionOptions> {
  const map = partitionRecord(folder);
  return {
    ...map,
    read: (cursor) => {
      const found = map.read(cursor);
      const { type, name } = found;
      return { ...contentOf(found, cursor, folder), ...(type && { type }), ...(name !== undefined && { name }) };
    },
  };
}

function contentOf(found: Found, cursor: Cursor, folder: Folder): PartitionContent {
  const given = CONTENTS.filter((name) => found[name] !== undefined);
  if (given.length !== 1) {
    const what = given.length === 0 ? 'nothing that it holds' : `both ${given.slice(0, 2).join(' and ')}`;
    throw cursor.failure(`found ${what}, expected one of ${CONTENTS.join(', ')}`);
  }
  const { swap, file, empty, layers: own, filesystem, size: bytes } = found;
  if (filesystem !== undefined && own === undefined)
    throw cursor.failure('found filesystem, expected it with layers only');
  if (bytes !== undefined && file === undefined) throw cursor.failure('found size, expected it with file only');
  if (swap !== undefined) return { swap };
  if (file !== undefined) return { file: folder.path(file), size: bytes };
  if (empty !== undefined) return { empty };
  const ownFilesystem: PartitionFilesystem | undefined = filesystem && filesystemOptions(filesystem);
  return { layers: own!, filesystem: ownFilesystem };
}
