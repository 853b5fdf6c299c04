import { crc32c } from 'ext2fs-wasm';
import { byteString, hexOf } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import { type LayerIdentity, readLayerIdentity } from '../layer/identity.ts';
import { JsonValue } from '../oci/json.ts';
import type { Xattr } from '../layer/entry.ts';
import { describeTree } from '../tree/description.ts';
import type { NameOrder } from '../tree/order.ts';
import type { Tree } from '../tree/tree.ts';
import { type Ext4Options, FORMAT_VERSION } from './options.ts';
import { inodeAttributes } from './attributes.ts';
import { readRecordedOptions, RECORDED_OPTIONS, type RecordedOptions, recordOptions } from './recorded-options.ts';
import type { Sha256 } from './uuid.ts';
import type { DiskXattr } from './xattr-entries.ts';

/** What an image says about itself; all of it is known before a file's content is read. */
export interface ImageRecord {
  readonly formatVersion: number;
  readonly options: RecordedOptions;
  /** `sha256:HEX` of the tree's description. */
  readonly tree: string;
  /** Bottom first; only where they were asked for. */
  readonly inputs?: readonly LayerIdentity[];
}

/** The longest record, in bytes. */
export const RECORD_LENGTH_MAX = 64 * 1024;
const INPUTS_MAX = 1024;
const NO_XATTRS: readonly Xattr[] = [];
/** Longer than any first line. */
const FIRST_LINE_MAX = 64;
const FIRST_LINE = /^blockloom-record 1 (0|[1-9]\d{0,4}) ([\da-f]{8})\n/;

/** What of a tree only the layout knows. */
export interface DescribedParts {
  /** The inode of lost+found. */
  readonly lostAndFound: number;
  readonly xattrsOf: (inode: number) => readonly DiskXattr[];
}

/** Makes the record of a tree's image. */
export function makeRecord(
  tree: Tree,
  names: NameOrder,
  { lostAndFound, xattrsOf }: DescribedParts,
  options: Ext4Options,
  sha256: Sha256,
): ImageRecord {
  const inodes = {
    attributes: (inode: number) => inodeAttributes(tree, inode, lostAndFound, options.metadata),
    xattrs: (inode: number) => {
      const found = xattrsOf(inode);
      return found.length === 0
        ? NO_XATTRS
        : found.map(({ index, name, value }) => ({ name: `${index}:${name}`, value }));
    },
  };
  describeTree(tree, names, inodes, (piece) => sha256.update(piece));
  return {
    formatVersion: FORMAT_VERSION,
    options: recordOptions(options),
    tree: `sha256:${hexOf(sha256.digest())}`,
    ...(options.inputs === undefined ? {} : { inputs: options.inputs }),
  };
}

/**
 * A record as it stands in an image: a line `blockloom-record 1 LENGTH CRC32C`, then LENGTH bytes of JSON, to which the
 * checksum belongs. Throws `limit-exceeded` when it has more inputs than fit.
 */
export function encodeRecord({ formatVersion, options, tree, inputs }: ImageRecord): Uint8Array {
  const text = JSON.stringify({ formatVersion, options, tree, inputs }, null, 2);
  const json = new TextEncoder().encode(`${text}\n`);
  const firstLine = new TextEncoder().encode(`blockloom-record 1 ${json.length} ${checksum(json)}\n`);
  const record = new Uint8Array(firstLine.length + json.length);
  record.set(firstLine);
  record.set(json, firstLine.length);
  if (record.length > RECORD_LENGTH_MAX) {
    const digests = inputs === undefined ? '' : `, with the digests of ${inputs.length} layers`;
    const what = `a record of ${record.length} bytes${digests}: at most ${RECORD_LENGTH_MAX}`;
    throw new ImageError('limit-exceeded', what);
  }
  return record;
}

/** Reads what encodeRecord made, and nothing else. Throws `record-invalid`. */
export function decodeRecord(bytes: Uint8Array): ImageRecord {
  const firstLine = FIRST_LINE.exec(byteString(bytes.subarray(0, FIRST_LINE_MAX)));
  if (firstLine === null) throw recordInvalid('does not begin as one that is known here');
  const [line, length, expected] = firstLine as unknown as [string, string, string];
  const json = bytes.subarray(line.length);
  if (json.length !== Number(length)) throw recordInvalid(`has ${json.length} bytes, its first line says ${length}`);
  const found = checksum(json);
  if (found !== expected) throw recordInvalid(`has the checksum ${found}, its first line says ${expected}`);
  const record = readRecord(JsonValue.parse(json, 'the image record', RECORD_LENGTH_MAX, 'record-invalid'));
  const canonical = encodeRecord(record);
  if (bytes.length !== canonical.length || bytes.some((byte, i) => byte !== canonical[i])) {
    throw recordInvalid('has another form than its content gives it');
  }
  return record;
}

function readRecord(json: JsonValue): ImageRecord {
  json.allowOnly(['formatVersion', 'options', 'tree', 'inputs']);
  const inputs = json.get('inputs');
  return {
    formatVersion: json.get('formatVersion').oneOf([FORMAT_VERSION]),
    options: readOptions(json.get('options')),
    tree: json.get('tree').matching(/^sha256:[\da-f]{64}$/, 'sha256:HEX'),
    ...(inputs.isPresent ? { inputs: inputs.elements(INPUTS_MAX).map(readLayerIdentity) } : {}),
  };
}

function readOptions(json: JsonValue): RecordedOptions {
  json.allowOnly(RECORDED_OPTIONS);
  return readRecordedOptions(json);
}

/** CRC-32C as everybody writes it, inverted before and after. */
function checksum(bytes: Uint8Array): string {
  const inverted = ~crc32c(0xffff_ffff, bytes) >>> 0;
  return inverted.toString(16).padStart(8, '0');
}

/** An error about the record of an image. */
export function recordInvalid(what: string): ImageError {
  return new ImageError('record-invalid', `the image record ${what}`);
}
