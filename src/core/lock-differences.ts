import { displayName, utf8ByteString } from './bytes.ts';
import { layerIdentityText } from './layer/identity.ts';
import type { Lock, LockedReference } from './lock.ts';

/** What is found of an image before it is planned. */
export type Inputs = Omit<Lock, 'result'>;

/**
 * What inputs have that a lock has not, a line each: the format version, the options, what references lead to, the layers. Empty
 * where they are the same. A layer is compared by its digest: from where it comes does not matter.
 */
export function inputDifferences(found: Inputs, locked: Inputs): string[] {
  const here: OptionValues = { ...found.options };
  const there: OptionValues = { ...locked.options };
  const options = new Set([...Object.keys(locked.options), ...Object.keys(found.options)]);
  return [
    ...different('format version', found.formatVersion, locked.formatVersion),
    ...Array.from(options).flatMap((key) => different(`option ${key}`, quoted(here[key]), quoted(there[key]))),
    ...different('references', found.references.length, locked.references.length),
    ...found.references.flatMap((reference, i) => referenceDifferences(reference, locked.references[i], i)),
    ...layerDifferences(found.references, locked.references),
  ];
}

/** The same of what was made: the tree, and what follows from it. */
export function resultDifferences(found: Partial<Lock['result']>, locked: Lock['result']): string[] {
  return (['tree', 'uuid', 'size', 'sha256'] as const).flatMap((key) =>
    found[key] === undefined ? [] : different(RESULT_NAMES[key], found[key], locked[key]),
  );
}

const RESULT_NAMES = { tree: 'tree', uuid: 'UUID', size: 'size', sha256: 'image' } as const;

/** Where a reference comes elsewhere in the image, or the same one, or the pinned one, is another image now. */
function referenceDifferences(found: LockedReference, locked: LockedReference | undefined, i: number): string[] {
  if (locked === undefined) return [];
  const place = `reference ${i} (${shown(found.reference)})`;
  const lines = different(`${place}: at`, found.at, locked.at);
  if (![locked.reference, locked.pinned].includes(found.reference)) return lines;
  return [
    ...lines,
    ...different(`${place}: platform`, found.platform, locked.platform),
    ...different(`${place}: manifest`, found.manifest, locked.manifest),
  ];
}

function layerDifferences(found: readonly LockedReference[], locked: readonly LockedReference[]): string[] {
  const [here, there] = [layersOf(found), layersOf(locked)];
  const lines = different('layers', here.length, there.length);
  for (const [i, { text, reference }] of here.entries()) {
    const other = there[i];
    if (other !== undefined) lines.push(...different(`layer ${i} (${shown(reference)})`, text, other.text));
  }
  return lines;
}

function layersOf(references: readonly LockedReference[]): { text: string; reference: string }[] {
  return references.flatMap(({ reference, layers }) =>
    layers.map((layer) => ({ text: layerIdentityText(layer), reference })),
  );
}

type OptionValues = Readonly<Record<string, Value | readonly string[]>>;
type Value = string | number | boolean | undefined;

const isText = (value: Value | readonly string[]): value is string | readonly string[] =>
  typeof value === 'string' || Array.isArray(value);

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
