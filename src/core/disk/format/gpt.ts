import { bytes, struct, u32 } from '../../struct.ts';

/** EFI_PARTITION_TABLE_HEADER, 92 bytes, with Linux' names (block/partitions/efi.h). UEFI specification 2.10, section 5.3.2 */
export const GptHeader = struct('gpt_header', 92, {
  signature: bytes(0x00, 8),
  revision: u32(0x08),
  header_size: u32(0x0c),
  header_crc32: u32(0x10),
  reserved1: u32(0x14),
  my_lba_lo: u32(0x18),
  my_lba_hi: u32(0x1c),
  alternate_lba_lo: u32(0x20),
  alternate_lba_hi: u32(0x24),
  first_usable_lba_lo: u32(0x28),
  first_usable_lba_hi: u32(0x2c),
  last_usable_lba_lo: u32(0x30),
  last_usable_lba_hi: u32(0x34),
  disk_guid: bytes(0x38, 16),
  partition_entry_lba_lo: u32(0x48),
  partition_entry_lba_hi: u32(0x4c),
  num_partition_entries: u32(0x50),
  sizeof_partition_entry: u32(0x54),
  partition_entry_array_crc32: u32(0x58),
});

/** EFI_PARTITION_ENTRY, 128 bytes. UEFI specification 2.10, section 5.3.3 */
export const GptEntry = struct('gpt_entry', 128, {
  partition_type_guid: bytes(0x00, 16),
  unique_partition_guid: bytes(0x10, 16),
  starting_lba_lo: u32(0x20),
  starting_lba_hi: u32(0x24),
  ending_lba_lo: u32(0x28),
  ending_lba_hi: u32(0x2c),
  attributes_lo: u32(0x30),
  attributes_hi: u32(0x34),
  partition_name: bytes(0x38, 72),
});

/** signature. */
export const GPT_HEADER_SIGNATURE = 'EFI PART';
/** revision: 1.0. */
export const GPT_HEADER_REVISION = 0x0001_0000;
/** num_partition_entries of every table that is made: the least that the specification allows. */
export const GPT_ENTRIES = 128;
/** partition_name, in UTF-16 code units. */
export const GPT_NAME_LENGTH_MAX = 36;

/** attributes_hi, bit 60: not to be written. Discoverable Partitions Specification, "Partition Attribute Flags" */
export const GPT_ATTRIBUTE_HI_READ_ONLY = 2 ** 28;
