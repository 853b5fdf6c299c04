import { bytesOf } from '../bytes.ts';
import { bytes, high32, low32, struct, u16, u32, viewOf } from '../struct.ts';

const SUPERBLOCK_SIZE = 4096;

/** struct nd_pfn_sb, 4096 bytes. https://github.com/torvalds/linux/blob/master/drivers/nvdimm/pfn.h */
const PfnSuperblock = struct('nd_pfn_sb', SUPERBLOCK_SIZE, {
  signature: bytes(0x00, 16),
  uuid: bytes(0x10, 16),
  parent_uuid: bytes(0x20, 16),
  flags: u32(0x30),
  version_major: u16(0x34),
  version_minor: u16(0x36),
  dataoff_lo: u32(0x38),
  dataoff_hi: u32(0x3c),
  npfns_lo: u32(0x40),
  npfns_hi: u32(0x44),
  mode: u32(0x48),
  start_pad: u32(0x4c),
  end_trunc: u32(0x50),
  align: u32(0x54),
  checksum_lo: u32(0xff8),
  checksum_hi: u32(0xffc),
});

/** signature. */
const PFN_SIGNATURE = 'NVDIMM_PFN_INFO\0';
/** mode: what the kernel knows about the pages is in its RAM, nothing of it on the device. */
const PFN_MODE_RAM = 1;
/** The first version that says how its mapping is aligned; later ones promise what a reader of zeros takes for granted. */
const VERSION_MINOR = 2;

/**
 * The superblock, 4096 bytes that stand at byte 4096 of a disk, by which a guest maps the disk's data without a page cache
 * (DAX): the data begins at `dataOffset`, a multiple of `align`, both in bytes. The UUIDs are zero, as a namespace without
 * labels has none.
 */
export function makePfnSuperblock(dataOffset: number, align: number): Uint8Array {
  const block = new Uint8Array(SUPERBLOCK_SIZE);
  const view = viewOf(block);
  PfnSuperblock.write(view, 0, {
    signature: bytesOf(PFN_SIGNATURE),
    version_major: 0,
    version_minor: VERSION_MINOR,
    dataoff_lo: low32(dataOffset),
    dataoff_hi: high32(dataOffset),
    mode: PFN_MODE_RAM,
    align,
  });
  const [low, high] = fletcher64(view);
  PfnSuperblock.write(view, 0, { checksum_lo: low, checksum_hi: high });
  return block;
}

/** nd_fletcher64 over little-endian words: the sum of the words, and the sum of its values, each modulo 2^32. */
function fletcher64(view: DataView): [low: number, high: number] {
  let low = 0;
  let high = 0;
  for (let at = 0; at < view.byteLength; at += 4) {
    low = (low + view.getUint32(at, true)) >>> 0;
    high = (high + low) >>> 0;
  }
  return [low, high];
}
