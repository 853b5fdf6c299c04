import { ImageError } from '../errors.ts';
import { JsonValue } from '../oci/json.ts';

/** The kinds of devices a unikernel can ask for, and their numbers in its notes (enum mft_type). */
export const Solo5DeviceType = { BLOCK_BASIC: 1, NET_BASIC: 2 } as const;
export type Solo5DeviceType = keyof typeof Solo5DeviceType;

/** The systems a unikernel is linked for, and their numbers in its notes (enum abi_target). */
export const Solo5Target = { hvt: 1, spt: 2, virtio: 3, muen: 4, genode: 5, xen: 6 } as const;
export type Solo5Target = keyof typeof Solo5Target;

/** A device that a unikernel asks for. */
export interface Solo5Device {
  /** 1 to 67 letters and digits of ASCII. */
  readonly name: string;
  readonly type: Solo5DeviceType;
}

/** The devices a unikernel asks for, all of which it has to be given. https://github.com/Solo5/solo5/blob/master/docs/architecture.md */
export interface Solo5Manifest {
  /** At most 63, with different names. */
  readonly devices: readonly Solo5Device[];
}

/** The version of manifests, in JSON and in notes. */
export const SOLO5_MANIFEST_VERSION = 1;
/** The longest name of a device. */
export const SOLO5_NAME_MAX = 67;
/** How many devices there may be. */
export const SOLO5_DEVICES_MAX = 63;

const NAME = /^[A-Za-z0-9]{1,67}$/;
const DOCUMENT_TYPE = 'solo5.manifest';
/** The longest manifest that is read, in bytes. */
const BYTES_MAX = 64 * 1024;

/** Whether a device may have this name. */
export const isSolo5Name = (name: string): boolean => NAME.test(name);

/** Reads the JSON that a unikernel's manifest is made of; `name` names it in errors. Throws `manifest-invalid`. */
export function decodeSolo5Manifest(bytes: Uint8Array, name: string): Solo5Manifest {
  const json = JsonValue.parse(bytes, name, BYTES_MAX, 'manifest-invalid');
  json.allowOnly(['type', 'version', 'devices']);
  json.get('type').oneOf([DOCUMENT_TYPE]);
  json.get('version').oneOf([SOLO5_MANIFEST_VERSION]);
  const list = json.get('devices');
  if (!list.isPresent) throw list.invalid('an array');
  const devices = list.elements(SOLO5_DEVICES_MAX).map(readDevice);
  const twice = repeatedName(devices);
  if (twice !== undefined) throw list.invalid('names that differ', twice);
  return { devices };
}

function readDevice(json: JsonValue): Solo5Device {
  json.allowOnly(['name', 'type']);
  return {
    name: json.get('name').matching(NAME, `1 to ${SOLO5_NAME_MAX} letters and digits`),
    type: json.get('type').oneOf(Object.keys(Solo5DeviceType) as Solo5DeviceType[]),
  };
}

/** The first name that comes again. */
export function repeatedName(devices: readonly Solo5Device[]): string | undefined {
  const names = devices.map(({ name }) => name);
  return names.find((name, i) => names.indexOf(name) !== i);
}

/** The JSON of a manifest, as solo5-elftool takes it. */
export function encodeSolo5Manifest({ devices }: Solo5Manifest): string {
  const members = devices.map(({ name, type }) => ({ name, type }));
  return `${JSON.stringify({ type: DOCUMENT_TYPE, version: SOLO5_MANIFEST_VERSION, devices: members }, null, 2)}\n`;
}

/** What a unikernel is given for a block device it asks for. */
export interface Solo5Block {
  /** In bytes; undefined for an image that is yet to be made, which has whole sectors. */
  readonly size: number | undefined;
  /** In bytes: a power of two, from 512 on. */
  readonly sectorSize: number;
}

/** The sectors of a device for which nothing else is said, in bytes. */
export const SOLO5_SECTOR_SIZE = 512;
/** The tender keeps it in 16 bits. */
const SECTOR_SIZE_MAX = 32768;

/**
 * Checks that every block device of a manifest is given an image, nothing else is, and that the images have whole sectors, at least
 * one. Throws `option-invalid`.
 */
export function checkSolo5Blocks({ devices }: Solo5Manifest, given: ReadonlyMap<string, Solo5Block>): void {
  const declared = devices.filter(({ type }) => type === 'BLOCK_BASIC').map(({ name }) => name);
  const missing = declared.filter((name) => !given.has(name));
  if (missing.length > 0) throw unfit(`no image for ${missing.join(', ')}, which the unikernel asks for`);
  for (const [name, block] of given) {
    if (!declared.includes(name)) {
      throw unfit(`the unikernel asks for no block device ${name}; it asks for ${declared.join(', ') || 'none'}`);
    }
    checkSectors(name, block);
  }
}

function checkSectors(name: string, { size, sectorSize }: Solo5Block): void {
  const isSectorSize = sectorSize >= SOLO5_SECTOR_SIZE && sectorSize <= SECTOR_SIZE_MAX && isPowerOfTwo(sectorSize);
  if (!isSectorSize) {
    throw unfit(`${name}: sectors of ${sectorSize} bytes, expected a power of two, 512 to ${SECTOR_SIZE_MAX}`);
  }
  if (size !== undefined && (size < sectorSize || size % sectorSize !== 0)) {
    throw unfit(`${name}: an image of ${size} bytes, expected whole sectors of ${sectorSize}, at least one`);
  }
}

const isPowerOfTwo = (value: number): boolean => Number.isInteger(Math.log2(value));

const unfit = (what: string): ImageError => new ImageError('option-invalid', what);
