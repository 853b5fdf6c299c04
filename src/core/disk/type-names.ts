import { PARTITION_TYPES } from './partition-types.ts';

/** Root partitions of processors for which none is made here. https://uapi-group.org/specifications/specs/discoverable_partitions_specification/ */
const OTHER_ROOTS = {
  'root-x86': '44479540-f297-41b2-9af7-d131d5f0458a',
  'root-alpha': '6523f8ae-3eb1-4e2a-a05a-18b695ae656f',
  'root-arc': 'd27f46ed-2919-4cb8-bd25-9531f3c16534',
  'root-arm': '69dad710-2ce4-4e3c-b16c-21a1d49abed3',
  'root-ia64': '993d8d3d-f80e-4225-855a-9daf8ed7ea97',
  'root-loongarch64': '77055800-792c-4f94-b39a-98c91b762bb6',
  'root-mips-le': '37c58c8a-d913-4156-a25f-48b1b64e07f0',
  'root-mips64-le': '700bda43-7a34-4507-b179-eeb93d7a7ca3',
  'root-ppc': '1de3f1ef-fa98-47b5-8dcd-4a860a654d78',
  'root-ppc64': '912ade1d-a839-4913-8964-a10eee08fbd2',
  'root-ppc64-le': 'c31c45e6-3f39-412e-80fb-4809c4980599',
  'root-riscv32': '60d5a7fe-8e7d-435c-b714-3dd8162144e1',
  'root-riscv64': '72ec70a6-cf74-40e6-bd49-4bda08e8f224',
  'root-s390': '08a7acea-624c-4a20-91e8-6e0fa67d23f9',
  'root-s390x': '5eead9a9-fe09-4a1e-a1d7-520d00531306',
} as const;

/** Types that are no filesystem's. UEFI specification 2.10 has no list of them; these are as sfdisk knows them. */
const OTHERS = {
  'bios-boot': '21686148-6449-6e6f-744e-656564454649',
  'microsoft-reserved': 'e3c9e316-0b5c-4db8-817d-f92df00215ae',
  'linux-lvm': 'e6d6d379-f507-44c2-a23c-238f2a3df928',
  'linux-raid': 'a19d880f-05fc-4d3b-a006-743f0f84911e',
} as const;

const NAME_OF_GUID = new Map<string, string>([
  ...Object.entries(PARTITION_TYPES).map(([name, { guid }]) => [guid, name] as const),
  ...Object.entries({ ...OTHER_ROOTS, ...OTHERS }).map(([name, guid]) => [guid, name] as const),
]);

/** The name of a type of a GPT's partition; undefined where it is not known. */
export const guidName = (guid: string): string | undefined => NAME_OF_GUID.get(guid);

/** Whether a partition's type name says that it is the root filesystem of some processor. */
export const isRootType = (name: string | undefined): boolean =>
  name !== undefined && /^root-(?!.*-verity$)/.test(name);

/** os_type of MBRs, as sfdisk knows them. */
const MBR_NAMES: Readonly<Record<number, string>> = {
  0x01: 'fat12',
  0x04: 'fat16',
  0x05: 'extended',
  0x06: 'fat16',
  0x07: 'ntfs-exfat',
  0x0b: 'fat32',
  0x0c: 'fat32',
  0x0e: 'fat16',
  0x0f: 'extended',
  0x82: 'swap',
  0x83: 'linux',
  0x85: 'extended',
  0x8e: 'linux-lvm',
  0xea: 'xbootldr',
  0xef: 'esp',
  0xfd: 'linux-raid',
};

/** The name of an MBR's os_type; undefined where it is not known. */
export const mbrTypeName = (type: number): string | undefined => MBR_NAMES[type];
