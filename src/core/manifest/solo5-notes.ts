import { byteString, bytesOf, displayName } from '../bytes.ts';
import { assert } from '../errors.ts';
import { bytes, struct, u32, u8, viewOf } from '../struct.ts';
import { elfError, type ElfFile, type NoteDescriptor, NoteHeader, type NoteKind, readElfNote } from './elf-notes.ts';
import {
  isSolo5Name,
  repeatedName,
  type Solo5Device,
  SOLO5_DEVICES_MAX,
  Solo5DeviceType,
  type Solo5Manifest,
  SOLO5_MANIFEST_VERSION,
  SOLO5_NAME_MAX,
  Solo5Target,
} from './solo5.ts';

/** The descriptor of an MFT1 note up to its entries: struct mft, moved to where its 64-bit fields are aligned. https://github.com/Solo5/solo5/blob/master/include/mft_abi.h */
const ManifestHeader = struct('mft', 12, { version: u32(0x04), entries: u32(0x08) });

/** struct mft_entry, 104 bytes. The tender fills in what is behind the type. */
const ManifestEntry = struct('mft_entry', 104, {
  name: bytes(0x00, SOLO5_NAME_MAX + 1),
  type: u32(0x44),
  u: bytes(0x48, 16),
  b: bytes(0x58, 8),
  attached: u8(0x60),
});

/** struct abi1_info, 16 bytes. https://github.com/Solo5/solo5/blob/master/include/elf_abi.h */
const AbiInfo = struct('abi1_info', 16, {
  abi_target: u32(0x00),
  abi_version: u32(0x04),
  reserved0: u32(0x08),
  reserved1: u32(0x0c),
});

/** type of the first entry, which is no device. */
const MFT_RESERVED_FIRST = 2 ** 30;

const OWNER = 'Solo5\0';
const OWNER_SIZE = 8;
const MFT1: NoteKind = {
  owner: OWNER,
  type: 0x3154464d,
  descriptorMax: ManifestHeader.size + (SOLO5_DEVICES_MAX + 1) * ManifestEntry.size,
};
const ABI1: NoteKind = { owner: OWNER, type: 0x31494241, descriptorMax: AbiInfo.size };

/** What the notes of a Solo5 unikernel say. */
export interface Solo5Notes {
  readonly manifest: Solo5Manifest;
  readonly target: Solo5Target;
  /** Of the interface between the unikernel and its target's tender. */
  readonly abiVersion: number;
}

/** Reads the notes of a unikernel; undefined for ELF files without any. Throws `manifest-invalid` for all else. */
export function readSolo5Notes(file: ElfFile): Solo5Notes | undefined {
  const manifestNote = readElfNote(file, MFT1);
  const abiNote = readElfNote(file, ABI1);
  if (manifestNote === undefined && abiNote === undefined) return undefined;
  if (manifestNote === undefined) throw elfError(file, 'notes', 0, 'an ABI1 note without an MFT1 note');
  if (abiNote === undefined) throw elfError(file, 'notes', 0, 'an MFT1 note without an ABI1 note');
  return { manifest: readManifest(file, manifestNote), ...readAbi(file, abiNote) };
}

function readManifest(file: ElfFile, { bytes: descriptor, offset }: NoteDescriptor): Solo5Manifest {
  const fail = (what: string): Error => elfError(file, 'manifest', offset, what);
  if (descriptor.length < ManifestHeader.size) {
    throw fail(`${descriptor.length} bytes, expected at least ${ManifestHeader.size}`);
  }
  const { version, entries } = ManifestHeader.read(viewOf(descriptor), 0);
  if (version !== SOLO5_MANIFEST_VERSION) throw fail(`version ${version}, expected ${SOLO5_MANIFEST_VERSION}`);
  if (entries < 1 || entries > SOLO5_DEVICES_MAX + 1) {
    throw fail(`${entries} entries, expected 1 to ${SOLO5_DEVICES_MAX + 1}`);
  }
  const size = ManifestHeader.size + entries * ManifestEntry.size;
  if (descriptor.length !== size) throw fail(`${descriptor.length} bytes for ${entries} entries, expected ${size}`);
  if (!isZero(descriptor.subarray(0, ManifestHeader.fields.version.offset))) throw fail('its padding is not zero');
  const devices: Solo5Device[] = [];
  for (let i = 0; i < entries; i++) {
    const at = ManifestHeader.size + i * ManifestEntry.size;
    const entry = readEntry(file, i, offset + at, descriptor.subarray(at, at + ManifestEntry.size));
    if (entry !== undefined) devices.push(entry);
  }
  const twice = repeatedName(devices);
  if (twice !== undefined) throw fail(`two devices named ${twice}`);
  return { devices };
}

/** A device; undefined for the first entry. */
function readEntry(file: ElfFile, index: number, offset: number, entry: Uint8Array): Solo5Device | undefined {
  const fail = (what: string): Error => elfError(file, `manifest entry ${index}`, offset, what);
  const { name: nameField, type: typeField } = ManifestEntry.fields;
  const { type: number, attached } = ManifestEntry.read(viewOf(entry), 0);
  if (attached !== 0) throw fail(`attached ${attached}, expected 0`);
  if (!isZero(entry.subarray(typeField.offset + typeField.size))) throw fail('what the tender fills in is not zero');
  const field = byteString(entry.subarray(nameField.offset, nameField.size));
  const [name = '', ...rest] = field.split('\0');
  if (rest.length === 0) throw fail('a name without its final zero');
  if (rest.some((text) => text !== '')) throw fail('its name is not padded with zeros');
  if (index === 0) {
    if (number !== MFT_RESERVED_FIRST) throw fail(`type ${number}, expected ${MFT_RESERVED_FIRST}`);
    if (name !== '') throw fail(`the name ${displayName(name)}, expected none`);
    return undefined;
  }
  if (!isSolo5Name(name))
    throw fail(`the name ${displayName(name)}, expected 1 to ${SOLO5_NAME_MAX} letters and digits`);
  const type = nameOf(Solo5DeviceType, number);
  if (type === undefined) throw fail(`type ${number}, expected 1 or 2`);
  return { name, type };
}

function readAbi(file: ElfFile, { bytes: descriptor, offset }: NoteDescriptor): Omit<Solo5Notes, 'manifest'> {
  const fail = (what: string): Error => elfError(file, 'ABI note', offset, what);
  if (descriptor.length !== AbiInfo.size) throw fail(`${descriptor.length} bytes, expected ${AbiInfo.size}`);
  const { abi_target, abi_version, reserved0, reserved1 } = AbiInfo.read(viewOf(descriptor), 0);
  const target = nameOf(Solo5Target, abi_target);
  if (target === undefined) throw fail(`target ${abi_target}, expected 1 to 6`);
  if (reserved0 !== 0 || reserved1 !== 0) throw fail('its reserved fields are not zero');
  return { target, abiVersion: abi_version };
}

/** The name that has a number. */
function nameOf<N extends string>(numbers: Readonly<Record<N, number>>, wanted: number): N | undefined {
  return (Object.keys(numbers) as N[]).find((name) => numbers[name] === wanted);
}

const isZero = (data: Uint8Array): boolean => data.every((byte) => byte === 0);

/** The MFT1 note of a manifest, header and all. */
export function encodeManifestNote({ devices }: Solo5Manifest): Uint8Array {
  assert(devices.length <= SOLO5_DEVICES_MAX, `at most ${SOLO5_DEVICES_MAX} devices`);
  const descriptor = new Uint8Array(ManifestHeader.size + (devices.length + 1) * ManifestEntry.size);
  const view = viewOf(descriptor);
  ManifestHeader.write(view, 0, { version: SOLO5_MANIFEST_VERSION, entries: devices.length + 1 });
  ManifestEntry.write(view, ManifestHeader.size, { type: MFT_RESERVED_FIRST });
  for (const [i, { name, type }] of devices.entries()) {
    assert(isSolo5Name(name), 'names of devices are letters and digits');
    const at = ManifestHeader.size + (i + 1) * ManifestEntry.size;
    ManifestEntry.write(view, at, { name: bytesOf(name), type: Solo5DeviceType[type] });
  }
  return encodeNote(MFT1, descriptor);
}

/** The ABI1 note of a target, header and all. */
export function encodeAbiNote({ target, abiVersion }: Omit<Solo5Notes, 'manifest'>): Uint8Array {
  const descriptor = new Uint8Array(AbiInfo.size);
  AbiInfo.write(viewOf(descriptor), 0, { abi_target: Solo5Target[target], abi_version: abiVersion });
  return encodeNote(ABI1, descriptor);
}

function encodeNote({ owner, type }: NoteKind, descriptor: Uint8Array): Uint8Array {
  const note = new Uint8Array(NoteHeader.size + OWNER_SIZE + descriptor.length);
  NoteHeader.write(viewOf(note), 0, { n_namesz: owner.length, n_descsz: descriptor.length, n_type: type });
  note.set(bytesOf(owner), NoteHeader.size);
  note.set(descriptor, NoteHeader.size + OWNER_SIZE);
  return note;
}
