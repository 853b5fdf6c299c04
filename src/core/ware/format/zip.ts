import { struct, u8, u16, u32 } from '../../struct.ts';

/** APPNOTE.TXT, 4.3.7. */
export const LocalFileHeader = struct('local file header', 30, {
  signature: u32(0),
  version_needed: u16(4),
  flags: u16(6),
  method: u16(8),
  mod_time: u16(10),
  mod_date: u16(12),
  crc32: u32(14),
  compressed_size: u32(18),
  uncompressed_size: u32(22),
  name_length: u16(26),
  extra_length: u16(28),
});
export const LOCAL_FILE_SIGNATURE = 0x04034b50;

/** APPNOTE.TXT, 4.3.9.2: behind what is stored, with 64-bit sizes. */
export const DataDescriptor64 = struct('data descriptor', 24, {
  signature: u32(0),
  crc32: u32(4),
  compressed_size_lo: u32(8),
  compressed_size_hi: u32(12),
  uncompressed_size_lo: u32(16),
  uncompressed_size_hi: u32(20),
});
export const DATA_DESCRIPTOR_SIGNATURE = 0x08074b50;

/** APPNOTE.TXT, 4.3.12. */
export const CentralFileHeader = struct('central file header', 46, {
  signature: u32(0),
  version_made_by: u16(4),
  version_needed: u16(6),
  flags: u16(8),
  method: u16(10),
  mod_time: u16(12),
  mod_date: u16(14),
  crc32: u32(16),
  compressed_size: u32(20),
  uncompressed_size: u32(24),
  name_length: u16(28),
  extra_length: u16(30),
  comment_length: u16(32),
  disk_start: u16(34),
  internal_attributes: u16(36),
  external_attributes: u32(38),
  local_header_offset: u32(42),
});
export const CENTRAL_FILE_SIGNATURE = 0x02014b50;

/** APPNOTE.TXT, 4.3.14. */
export const EndOfCentralDirectory64 = struct('zip64 end of central directory record', 56, {
  signature: u32(0),
  size_lo: u32(4),
  size_hi: u32(8),
  version_made_by: u16(12),
  version_needed: u16(14),
  disk: u32(16),
  central_disk: u32(20),
  disk_entries_lo: u32(24),
  disk_entries_hi: u32(28),
  entries_lo: u32(32),
  entries_hi: u32(36),
  central_size_lo: u32(40),
  central_size_hi: u32(44),
  central_offset_lo: u32(48),
  central_offset_hi: u32(52),
});
export const END_64_SIGNATURE = 0x06064b50;

/** APPNOTE.TXT, 4.3.15. */
export const EndLocator64 = struct('zip64 end of central directory locator', 20, {
  signature: u32(0),
  end_disk: u32(4),
  end_offset_lo: u32(8),
  end_offset_hi: u32(12),
  disks: u32(16),
});
export const LOCATOR_64_SIGNATURE = 0x07064b50;

/** APPNOTE.TXT, 4.3.16. */
export const EndOfCentralDirectory = struct('end of central directory record', 22, {
  signature: u32(0),
  disk: u16(4),
  central_disk: u16(6),
  disk_entries: u16(8),
  entries: u16(10),
  central_size: u32(12),
  central_offset: u32(16),
  comment_length: u16(20),
});
export const END_SIGNATURE = 0x06054b50;

/** APPNOTE.TXT, 4.5.3, where both sizes and the offset are in it: 8 bytes each. */
export const Zip64Extra = struct('zip64 extended information', 28, {
  id: u16(0),
  size: u16(2),
  uncompressed_size_lo: u32(4),
  uncompressed_size_hi: u32(8),
  compressed_size_lo: u32(12),
  compressed_size_hi: u32(16),
  local_header_offset_lo: u32(20),
  local_header_offset_hi: u32(24),
});
export const ZIP64_EXTRA_ID = 0x0001;

/** Info-ZIP, proginfo/extrafld.txt: with the modification time alone. */
export const TimestampExtra = struct('extended timestamp', 9, {
  id: u16(0),
  size: u16(2),
  flags: u8(4),
  mod_time: u32(5),
});
export const TIMESTAMP_EXTRA_ID = 0x5455;

/** Info-ZIP, proginfo/extrafld.txt: new Unix, with ids of 4 bytes. */
export const UnixExtra = struct('new Unix extra field', 15, {
  id: u16(0),
  size: u16(2),
  version: u8(4),
  uid_size: u8(5),
  uid: u32(6),
  gid_size: u8(10),
  gid: u32(11),
});
export const UNIX_EXTRA_ID = 0x7875;
