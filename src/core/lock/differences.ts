import { displayName, utf8ByteString } from '../bytes.ts';
import { layerIdentityText } from '../layer/identity.ts';
import type { LockedBoot, LockedBootFile, LockedDisk, LockedPartition } from './disk.ts';
import type { LockedFiles } from './files.ts';
import type { Lock } from './lock.ts';
import type { LockedReference } from './reference.ts';

/** What is found of an image before it is planned. */
export type Inputs = Omit<Lock, 'result'>;

/**
 * What inputs have that a lock has not, a line each: the format version, the options, what references lead to, the layers, the same of
 * each partition of a disk. Empty where they are the same. A layer or file is compared by its digest: from where it comes does not
 * matter. What makes a disk boot is known only when it was planned.
 */
export function inputDifferences(found: Inputs, locked: Inputs): string[] {
  return [
    ...different('format version', found.formatVersion, locked.formatVersion),
    ...optionDifferences(found.options, locked.options),
    ...referencesDifferences(found.references, locked.references),
    ...diskDifferences(found.disk, locked.disk),
  ];
}

/** The same of what makes a disk boot. */
export function bootDifferences(found: LockedBoot | undefined, locked: LockedBoot | undefined): string[] {
  if (found === undefined || locked === undefined) return presence('disk.boot', found, locked);
  return [
    ...(['kernel', 'initrd', 'efi'] as const).flatMap((part) => {
      const name = pathOf(found[part] ?? locked[part]);
      return different(`disk.boot.${part}${name}`, bootFileText(found[part]), bootFileText(locked[part]));
    }),
    ...scalarDifferences('disk.boot.', found, locked),
  ];
}

/** The same of what was made: the tree, and what follows from it. */
export function resultDifferences(found: Partial<Lock['result']>, locked: Lock['result']): string[] {
  return (['tree', 'uuid', 'size', 'sha256'] as const).flatMap((key) =>
    found[key] === undefined ? [] : different(RESULT_NAMES[key], found[key], locked[key]),
  );
}

const RESULT_NAMES = { tree: 'tree', uuid: 'UUID', size: 'size', sha256: 'image' } as const;

function diskDifferences(found: LockedDisk | undefined, locked: LockedDisk | undefined): string[] {
  if (found === undefined || locked === undefined) return presence('disk', found, locked);
  const { esp: foundEsp, partitions: foundPartitions } = found;
  const { esp: lockedEsp, partitions: lockedPartitions } = locked;
  return [
    ...scalarDifferences('disk.', found, locked),
    ...(foundEsp === undefined || lockedEsp === undefined
      ? presence('disk.esp', foundEsp, lockedEsp)
      : [
          ...scalarDifferences('disk.esp.', foundEsp, lockedEsp),
          ...referencesDifferences(foundEsp.references, lockedEsp.references, 'disk.esp: '),
        ]),
    ...different('disk.partitions', foundPartitions.length, lockedPartitions.length),
    ...foundPartitions.flatMap((partition, i) => partitionDifferences(partition, lockedPartitions[i], i)),
  ];
}

function partitionDifferences(found: LockedPartition, locked: LockedPartition | undefined, i: number): string[] {
  if (locked === undefined) return [];
  const place = `disk.partitions[${i}]`;
  const name = 'file' in found ? ` (${shown(found.file)})` : '';
  const lines = [
    ...different(`${place}.file${name}`, digestOf(found), digestOf(locked)),
    ...scalarDifferences(`${place}.`, withoutFile(found), withoutFile(locked)),
  ];
  if (!('references' in found) || !('references' in locked)) {
    return [...lines, ...presence(`${place}.references`, referencesOf(found), referencesOf(locked))];
  }
  return [
    ...lines,
    ...optionDifferences(found.filesystem, locked.filesystem, `${place}: `),
    ...referencesDifferences(found.references, locked.references, `${place}: `),
  ];
}

const digestOf = (partition: LockedPartition): string | undefined =>
  'file' in partition ? partition.digest : undefined;

/** A file is compared by its digest alone. */
const withoutFile = (partition: LockedPartition): object => ({ ...partition, file: undefined, digest: undefined });

const referencesOf = (partition: LockedPartition): object | undefined =>
  'references' in partition ? partition.references : undefined;

function optionDifferences(found: object, locked: object, place = ''): string[] {
  const [here, there] = [found as OptionValues, locked as OptionValues];
  const options = new Set([...Object.keys(there), ...Object.keys(here)]);
  return [...options].flatMap((key) => different(`${place}option ${key}`, quoted(here[key]), quoted(there[key])));
}

/** Of those members that are no maps and no lists. */
function scalarDifferences(place: string, found: object, locked: object): string[] {
  const [here, there] = [found as OptionValues, locked as OptionValues];
  const keys = new Set([...Object.keys(there), ...Object.keys(here)]);
  return [...keys]
    .filter((key) => typeof (here[key] ?? there[key]) !== 'object')
    .flatMap((key) => different(`${place}${key}`, quoted(here[key]), quoted(there[key])));
}

function referencesDifferences(
  found: readonly LockedReference[],
  locked: readonly LockedReference[],
  place = '',
): string[] {
  return [
    ...different(`${place}references`, found.length, locked.length),
    ...found.flatMap((reference, i) => referenceDifferences(reference, locked[i], `${place}reference ${i}`)),
    ...layerDifferences(found, locked, place),
  ];
}

/** Where a reference comes elsewhere in the image, or the same one, or the pinned one, is another image now. */
function referenceDifferences(found: LockedReference, locked: LockedReference | undefined, name: string): string[] {
  if (locked === undefined) return [];
  const place = `${name} (${shown(found.reference)})`;
  const lines = different(`${place}: at`, found.at, locked.at);
  if (![locked.reference, locked.pinned].includes(found.reference)) return lines;
  return [
    ...lines,
    ...different(`${place}: platform`, found.platform, locked.platform),
    ...different(`${place}: manifest`, found.manifest, locked.manifest),
  ];
}

function layerDifferences(
  found: readonly LockedReference[],
  locked: readonly LockedReference[],
  place: string,
): string[] {
  const [here, there] = [layersOf(found), layersOf(locked)];
  const lines = different(`${place}layers`, here.length, there.length);
  for (const [i, { text, reference, files = {} }] of here.entries()) {
    const other = there[i];
    if (other === undefined || other.text === text) continue;
    const name = `${place}layer ${i} (${shown(reference)})`;
    const inFiles = fileDifferences(files, other.files ?? {}, name);
    lines.push(...(inFiles.length > 0 ? inFiles : different(name, text, other.text)));
  }
  return lines;
}

/** Of files of the host that both have at the same path. */
function fileDifferences(found: LockedFiles, locked: LockedFiles, place: string): string[] {
  return Object.entries(found).flatMap(([path, entry]) => {
    const other = locked[path];
    if (!('file' in entry) || other === undefined || !('file' in other)) return [];
    return different(`${place}: ${shown(path)} (${shown(entry.file)})`, entry.digest, other.digest);
  });
}

type NamedLayer = Pick<LockedReference, 'reference' | 'files'> & { readonly text: string };

function layersOf(references: readonly LockedReference[]): NamedLayer[] {
  return references.flatMap(({ reference, files, layers }) =>
    layers.map((layer) => ({ text: layerIdentityText(layer), reference, ...(files === undefined ? {} : { files }) })),
  );
}

function bootFileText(file: LockedBootFile | undefined): string | undefined {
  return file === undefined ? undefined : 'layers' in file ? `/${file.layers} of the layers` : file.digest;
}

function pathOf(file: LockedBootFile | undefined): string {
  return file !== undefined && 'file' in file ? ` (${shown(file.file)})` : '';
}

type OptionValues = Readonly<Record<string, Value | readonly string[]>>;
type Value = string | number | boolean | undefined;

const isText = (value: Value | readonly string[]): value is string | readonly string[] =>
  typeof value === 'string' || Array.isArray(value);

/** A line where only one side has something. */
const presence = (what: string, found: object | undefined, locked: object | undefined): string[] =>
  different(what, found && 'there', locked && 'there');

function different(what: string, found: Value, locked: Value): string[] {
  return found === locked ? [] : [`${what}: ${valueText(found)}, locked ${valueText(locked)}`];
}

function quoted(value: Value | readonly string[]): Value {
  return isText(value) ? JSON.stringify(value) : value;
}

function valueText(value: Value): string {
  return value === undefined ? 'none' : shown(String(value));
}

function shown(text: string): string {
  return displayName(utf8ByteString(text));
}
