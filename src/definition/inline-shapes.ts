import { displayName } from '../core/bytes.ts';
import type { ImageError } from '../core/errors.ts';
import { DEVICE_MAJOR_MAX, DEVICE_MINOR_MAX } from '../core/tar/limits.ts';
import { type OptionValue, ownerValue, timeValue } from '../image/option-values.ts';
import { checkEntry } from '../sources/inline/inline-entry.ts';
import { imagePath, type InlineContent, type InlineEntry, type InlineFiles } from '../sources/inline/inline-files.ts';
import {
  constant,
  field,
  flag,
  mapOf,
  option,
  type Read,
  record,
  type Shape,
  text,
  translated,
  wording,
} from './shape.ts';
import type { Folder } from './folder.ts';

/** YAML 1.2 reads 0644 as a decimal number, and 644 may be meant as either: the leading 0 decides, however it is written. */
const octalValue: OptionValue<number> = {
  expected: 'octal digits with a leading 0, in JSON in quotes: 0644',
  parse: (digits) => {
    const [, octal] = /^0o?([0-7]{0,4})$/.exec(digits) ?? [];
    return octal === undefined || digits === '0o' ? undefined : Number.parseInt(`0${octal}`, 8);
  },
};

/** Permission bits. An editor sees a number, whose digits are what counts. */
export const octal: Shape<number> = option(octalValue, ['string', 'integer']);

export const owner: Shape<{ uid: number; gid: number }> = option(ownerValue, ['string', 'integer']);

const BASE64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}(?:==)?|[A-Za-z\d+/]{3}=?)?$/;

/** RFC 4648 base64; line breaks between the digits, as tools put them, are no matter. */
const base64: Shape<Uint8Array> = {
  expected: 'base64',
  schema: { type: 'string', contentEncoding: 'base64' },
  read: (cursor) => {
    const digits = text.read(cursor).replaceAll(/\s+/g, '');
    if (!BASE64.test(digits)) throw cursor.unexpected('base64');
    return new Uint8Array(Buffer.from(digits, 'base64'));
  },
};

const encoded = record({ base64: field(base64, 'bytes') }, { required: ['base64'] });

const xattr: Shape<string | Uint8Array> = {
  expected: 'text, or a map of base64',
  schema: { oneOf: [text.schema, encoded.schema] },
  read: (cursor) => {
    if (cursor.value.kind !== 'map') return text.read(cursor);
    return encoded.read(cursor).base64!;
  },
};

const xattrs = mapOf(xattr, 'a map of names with their prefix: user.comment', { pattern: '\\.' }, (name) => name);

const device: Shape<readonly [number, number]> = {
  expected: 'a list of a major and a minor number: [1, 3]',
  schema: {
    type: 'array',
    prefixItems: [
      { type: 'integer', minimum: 0, maximum: DEVICE_MAJOR_MAX },
      { type: 'integer', minimum: 0, maximum: DEVICE_MINOR_MAX },
    ],
    minItems: 2,
    maxItems: 2,
  },
  read(cursor) {
    const items = Array.from(cursor.items(), ({ value }) => (value.kind === 'scalar' ? value.scalar : undefined));
    const [major, minor] = items;
    if (items.length !== 2 || typeof major !== 'number' || typeof minor !== 'number')
      throw cursor.unexpected(this.expected);
    return [major, minor];
  },
};

const CONTENTS = [
  'text',
  'base64',
  'file',
  'symlink',
  'hardlink',
  'directory',
  'char',
  'block',
  'fifo',
  'remove',
] as const;

/** An entry of `files`. */
export const entryRecord = record(
  {
    text: field(text, 'a file with this text, in UTF-8'),
    base64: field(base64, 'a file with these bytes'),
    file: field(
      wording('a path of this host', './init.sh'),
      'a file with the contents of a file of this host, nothing else of it but that its owner may execute it',
    ),
    symlink: field(wording("a symlink's text", '/usr/share/zoneinfo/UTC'), 'a symlink, its text verbatim'),
    hardlink: field(wording('a path of the image', '/bin/tool'), 'another name of what is at a path of the image'),
    directory: field(constant(true), 'a directory'),
    opaque: field(flag, 'with `directory`: nothing that lower layers have in it is seen'),
    char: field(device, 'a character device'),
    block: field(device, 'a block device'),
    fifo: field(constant(true), 'a named pipe'),
    remove: field(constant(true), 'nothing that lower layers have at the path is seen'),
    mode: field(octal, 'default: 0755 for directories and for files that may be executed on this host, else 0644'),
    owner: field(owner, 'default: 0:0'),
    mtime: field(
      option(timeValue, ['string', 'number']),
      "seen with `mtime: keep` and `mtime: clamp`; default: the image's time",
    ),
    xattrs: field(xattrs, 'extended attributes'),
  },
  { schema: { oneOf: CONTENTS.map((name) => ({ required: [name] })) } },
);

/** The entries of a layer, by path. */
export const inlineFiles = (folder: Folder): Shape<InlineFiles> => entriesByPath(inlineEntry(folder));

/** The same where most entries are files of this host, whose path alone is enough. */
export function hostFiles(folder: Folder): Shape<InlineFiles> {
  const entry = inlineEntry(folder);
  const path = wording('a path of this host', './systemd-bootx64.efi');
  return entriesByPath({
    expected: `a path of this host, or ${entry.expected}`,
    schema: { oneOf: [path.schema, entry.schema] },
    read: (cursor) => (cursor.value.kind === 'map' ? entry.read(cursor) : { file: folder.path(path.read(cursor)) }),
  });
}

function entriesByPath(entry: Shape<InlineEntry>): Shape<InlineFiles> {
  const paths = mapOf(entry, 'a map of paths and what is there', { pattern: '^/' }, imagePath);
  return {
    ...paths,
    read: (cursor) => {
      const files = paths.read(cursor);
      const members = cursor.value.kind === 'map' ? cursor.value.members : [];
      const byPath = new Map(members.map(({ key }) => [imagePath(key), files[key]!]));
      for (const member of members) {
        const fail = (what: string): ImageError => cursor.member(member).failure(what);
        translated(() => checkEntry(member.key, files[member.key]!), fail);
        checkParents(imagePath(member.key), byPath, fail);
      }
      return files;
    },
  };
}

/** A layer may replace a file by a directory, but who writes both down has made a mistake. */
function checkParents(
  path: string,
  entries: ReadonlyMap<string, InlineEntry>,
  fail: (what: string) => ImageError,
): void {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    const parent = entries.get(path.slice(0, slash));
    if (parent === undefined || 'directory' in parent || 'symlink' in parent || 'remove' in parent) continue;
    throw fail(`/${displayName(path.slice(0, slash))} is not a directory, and holds it`);
  }
}

function inlineEntry(folder: Folder): Shape<InlineEntry> {
  const expected = `a map with one of ${CONTENTS.join(', ')}`;
  return {
    expected,
    schema: entryRecord.schema,
    read: (cursor) => {
      if (cursor.value.kind !== 'map') throw cursor.unexpected(expected);
      const found = entryRecord.read(cursor);
      const given = CONTENTS.filter((name) => found[name] !== undefined);
      if (given.length !== 1) {
        const what = given.length === 0 ? 'nothing that it is' : `both ${given.slice(0, 2).join(' and ')}`;
        throw cursor.failure(`found ${what}, expected one of ${CONTENTS.join(', ')}`);
      }
      const misplaced = misplacedKey(found);
      if (misplaced !== undefined) throw cursor.failure(misplaced);
      const { mode, owner: ids, mtime, xattrs: attributes } = found;
      return { ...contentOf(found, folder), mode, owner: ids, mtime, xattrs: attributes };
    },
  };
}

type Found = Read<typeof entryRecord.fields>;

/** What would be without effect. */
function misplacedKey(found: Found): string | undefined {
  if (found.opaque !== undefined && found.directory === undefined)
    return 'found opaque, expected it with directory only';
  const without = found.remove ? 'remove' : found.hardlink === undefined ? undefined : 'hardlink';
  const attribute = (['mode', 'owner', 'mtime', 'xattrs'] as const).find((name) => found[name] !== undefined);
  if (without === undefined || attribute === undefined) return undefined;
  return `found ${attribute} with ${without}, which has none of its own`;
}

function contentOf(found: Found, folder: Folder): InlineContent {
  if (found.text !== undefined) return { text: found.text };
  if (found.base64 !== undefined) return { bytes: found.base64 };
  if (found.file !== undefined) return { file: folder.path(found.file) };
  if (found.symlink !== undefined) return { symlink: found.symlink };
  if (found.hardlink !== undefined) return { hardLink: found.hardlink };
  if (found.char !== undefined) return { characterDevice: found.char };
  if (found.block !== undefined) return { blockDevice: found.block };
  if (found.fifo !== undefined) return { fifo: true };
  return found.remove === undefined ? { directory: true, opaque: found.opaque } : { remove: true };
}
