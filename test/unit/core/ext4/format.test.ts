import { describe, expect, it } from 'vitest';
import * as directoryEntry from '../../../../src/core/ext4/format/directory-entry.ts';
import { Extent, ExtentHeader, ExtentIndex } from '../../../../src/core/ext4/format/extent.ts';
import { GroupDescriptor } from '../../../../src/core/ext4/format/group-descriptor.ts';
import { Inode } from '../../../../src/core/ext4/format/inode.ts';
import { Superblock } from '../../../../src/core/ext4/format/superblock.ts';
import { XattrEntry, XattrHeader } from '../../../../src/core/ext4/format/xattr.ts';
import type { Field } from '../../../../src/core/struct.ts';

/** Offset and size of a structure's fields, counted by hand from the kernel's fs/ext4/ext4.h, ext4_extents.h and xattr.h. */
function places(fields: Readonly<Record<string, Field>>, ...names: string[]): unknown {
  return Object.fromEntries(names.map((name) => [name, [fields[name]?.offset, fields[name]?.size]]));
}

describe('the tables agree with the kernel', () => {
  it('on the superblock', () => {
    expect(Superblock.size).toBe(1024);
    const all = {
      s_inodes_count: [0, 4],
      s_magic: [56, 2],
      s_rev_level: [76, 4],
      s_inode_size: [88, 2],
      s_feature_incompat: [96, 4],
      s_uuid: [104, 16],
      s_volume_name: [120, 16],
      s_journal_inum: [224, 4],
      s_hash_seed: [236, 16],
      s_def_hash_version: [252, 1],
      s_desc_size: [254, 2],
      s_mkfs_time: [264, 4],
      s_blocks_count_hi: [336, 4],
      s_min_extra_isize: [348, 2],
      s_flags: [352, 4],
      s_log_groups_per_flex: [372, 1],
      s_checksum_type: [373, 1],
      s_backup_bgs: [588, 8],
      s_checksum_seed: [624, 4],
      s_wtime_hi: [628, 1],
      s_checksum: [1020, 4],
    };
    expect(places(Superblock.fields, ...Object.keys(all))).toEqual(all);
  });

  it('on inodes', () => {
    expect(Inode.size).toBe(256);
    const all = {
      i_mode: [0, 2],
      i_size_lo: [4, 4],
      i_links_count: [26, 2],
      i_flags: [32, 4],
      i_block: [40, 60],
      i_file_acl_lo: [104, 4],
      i_size_high: [108, 4],
      i_uid_high: [120, 2],
      i_checksum_lo: [124, 2],
      i_extra_isize: [128, 2],
      i_checksum_hi: [130, 2],
      i_atime_extra: [140, 4],
      i_crtime: [144, 4],
      i_projid: [156, 4],
    };
    expect(places(Inode.fields, ...Object.keys(all))).toEqual(all);
  });

  it('on group descriptors', () => {
    expect(GroupDescriptor.size).toBe(64);
    const all = { bg_inode_table_lo: [8, 4], bg_flags: [18, 2], bg_itable_unused_lo: [28, 2], bg_checksum: [30, 2] };
    expect(places(GroupDescriptor.fields, ...Object.keys(all))).toEqual(all);
  });

  it('on directories, extents and xattrs', () => {
    const { DirectoryEntry, DirectoryEntryTail, DxEntry, DxCountLimit, DxRootInfo, DxTail } = directoryEntry;
    const sizes = [DirectoryEntry, DirectoryEntryTail, DxEntry, DxCountLimit, DxRootInfo, DxTail].map(
      ({ size }) => size,
    );
    expect(sizes).toEqual([8, 12, 8, 4, 8, 8]);
    expect(places(Extent.fields, 'ee_block', 'ee_len', 'ee_start_hi', 'ee_start_lo')).toEqual({
      ee_block: [0, 4],
      ee_len: [4, 2],
      ee_start_hi: [6, 2],
      ee_start_lo: [8, 4],
    });
    expect(places(ExtentIndex.fields, 'ei_block', 'ei_leaf_lo', 'ei_leaf_hi')).toEqual({
      ei_block: [0, 4],
      ei_leaf_lo: [4, 4],
      ei_leaf_hi: [8, 2],
    });
    expect([ExtentHeader.size, Extent.size, ExtentIndex.size, XattrHeader.size, XattrEntry.size]).toEqual([
      12, 12, 12, 32, 16,
    ]);
    expect(places(XattrEntry.fields, 'e_value_offs', 'e_value_inum', 'e_value_size', 'e_hash')).toEqual({
      e_value_offs: [2, 2],
      e_value_inum: [4, 4],
      e_value_size: [8, 4],
      e_hash: [12, 4],
    });
  });
});
