/** What a partition is for, in both kinds of table. */
export interface PartitionKind {
  /** GPT's partition_type_guid. https://uapi-group.org/specifications/specs/discoverable_partitions_specification/ */
  readonly guid: string;
  /** MBR's os_type. */
  readonly mbr: number;
}

/** What partitions may be for, by the names that systemd-repart has. */
export const PARTITION_TYPES = {
  esp: { guid: 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b', mbr: 0xef },
  xbootldr: { guid: 'bc13c2ff-59e6-4262-a352-b275fd6f7172', mbr: 0xea },
  'root-x86-64': { guid: '4f68bce3-e8cd-4db1-96e7-fbcaf984b709', mbr: 0x83 },
  'root-x86-64-verity': { guid: '2c7357ed-ebd2-46d9-aec1-23d437ec2bf5', mbr: 0x83 },
  'root-arm64': { guid: 'b921b045-1df0-41c3-af44-4c6f280d3fae', mbr: 0x83 },
  'root-arm64-verity': { guid: 'df3300ce-d69f-4c92-978c-9bfb0f38d820', mbr: 0x83 },
  swap: { guid: '0657fd6d-a4ab-43c4-84e5-0933c84b4f4f', mbr: 0x82 },
  home: { guid: '933ac7e1-2eb4-4f13-b844-0e14e2aef915', mbr: 0x83 },
  srv: { guid: '3b8f8425-20e0-4f3b-907f-1a25a76f98e8', mbr: 0x83 },
  var: { guid: '4d21b016-b534-45c2-a9fb-5c16e091fd2d', mbr: 0x83 },
  'linux-generic': { guid: '0fc63daf-8483-4772-8e79-3d69d8477de4', mbr: 0x83 },
  'basic-data': { guid: 'ebd0a0a2-b9e5-4433-87c0-68b6b72699c7', mbr: 0x0c },
} as const satisfies Readonly<Record<string, PartitionKind>>;

export type PartitionType = keyof typeof PARTITION_TYPES;

/** The processors whose root partitions have types here. */
export const ARCHITECTURES = ['x86-64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];
