import { type ByteString, byteString } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import { EXT4_SUPER_MAGIC, Superblock, SUPERBLOCK_OFFSET } from '../ext4/format/superblock.ts';
import type { BlockDevice } from '../ext4/reader/block-reader.ts';
import { Filesystem } from '../ext4/reader/filesystem.ts';
import { formatUuid } from '../ext4/uuid.ts';
import { isFatBootSector } from '../fat/reader/boot-sector.ts';
import { FatFilesystem } from '../fat/reader/filesystem.ts';
import { formatVolumeId } from '../fat/volume-id.ts';
import { filesystemFacts } from '../reading/facts.ts';
import { viewOf } from '../struct.ts';
import { VERITY_SIGNATURE, VeritySuperblock } from '../verity/format.ts';
import { SWAP_MAGIC, SWAP_PAGE_SIZE, SwapHeader } from './format/swap.ts';

/** What a partition, or a whole image, holds. */
export interface Content {
  /** As blkid names it: `ext4`, `vfat`, `swap`, `verity`; undefined for what is not known here. */
  readonly type: string | undefined;
  /** Whether its files are read here. */
  readonly isFilesystem: boolean;
  readonly label: ByteString;
  /** Empty where it has none. */
  readonly uuid: string;
  /** Why it is not read, where its signature says that it should be. */
  readonly damage?: string;
}

const UNKNOWN: Content = { type: undefined, isFilesystem: false, label: '', uuid: '' };

/** Tells what a device holds by its signatures; nothing in it makes this throw. */
export function contentOf(device: BlockDevice): Content {
  const head = new Uint8Array(Math.min(SWAP_PAGE_SIZE, device.size));
  device.read(0, head);
  const filesystem = filesystemKind(head);
  if (filesystem === 'ext') return describe('ext4', () => extContent(device));
  if (filesystem === 'fat') return describe('vfat', () => fatContent(device));
  return swapContent(head) ?? verityContent(head) ?? UNKNOWN;
}

/** Which filesystem that is read here begins with `head`, by its signature; undefined for what is none. */
export function filesystemKind(head: Uint8Array): 'ext' | 'fat' | undefined {
  const magic = SUPERBLOCK_OFFSET + Superblock.fields.s_magic.offset;
  if (head.length >= magic + 2 && viewOf(head).getUint16(magic, true) === EXT4_SUPER_MAGIC) return 'ext';
  return head.length >= 512 && isFatBootSector(head) ? 'fat' : undefined;
}

function describe(type: string, content: () => Content): Content {
  try {
    return content();
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return { type, isFilesystem: true, label: '', uuid: '', damage: error.message };
  }
}

function extContent(device: BlockDevice): Content {
  const { type, label, uuid } = filesystemFacts(new Filesystem(device));
  return { type, isFilesystem: true, label, uuid };
}

function fatContent(device: BlockDevice): Content {
  const filesystem = new FatFilesystem(device);
  const { volumeId } = filesystem.volume;
  const uuid = volumeId === undefined ? '' : formatVolumeId(volumeId);
  return { type: 'vfat', isFilesystem: true, label: filesystem.label, uuid };
}

function swapContent(head: Uint8Array): Content | undefined {
  if (head.length < SwapHeader.size) return undefined;
  const { magic, sws_uuid, sws_volume } = SwapHeader.read(viewOf(head), 0);
  if (byteString(magic) !== SWAP_MAGIC) return undefined;
  return { type: 'swap', isFilesystem: false, label: untilNul(sws_volume), uuid: formatUuid(sws_uuid) };
}

function verityContent(head: Uint8Array): Content | undefined {
  if (head.length < VeritySuperblock.size) return undefined;
  const { signature, uuid } = VeritySuperblock.read(viewOf(head), 0);
  if (byteString(signature) !== VERITY_SIGNATURE) return undefined;
  return { type: 'verity', isFilesystem: false, label: '', uuid: formatUuid(uuid) };
}

const untilNul = (bytes: Uint8Array): ByteString => byteString(bytes).replace(/\0[^]*$/, '');
