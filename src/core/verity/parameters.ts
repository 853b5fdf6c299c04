import { hexOf } from '../bytes.ts';
import { VERITY_BLOCK_SIZE } from './format.ts';

/** What is needed to use a hash tree of dm-verity: SHA-256 over blocks of 4096 bytes, hash type 1. */
export interface Verity {
  /** 32 bytes. */
  readonly rootHash: Uint8Array;
  /** At most 256 bytes. */
  readonly salt: Uint8Array;
  /** Of the verity superblock, 16 bytes; undefined where there is none. */
  readonly uuid?: Uint8Array | undefined;
  /** How many blocks of data there are. */
  readonly dataBlocks: number;
  /** Where the verity superblock begins, in bytes of the image: at the end of the filesystem. The tree begins a block behind, or there. */
  readonly hashOffset: number;
  /** On a disk: the PARTUUIDs of the data, and of the superblock and the tree. */
  readonly partitions?: { readonly data: string; readonly hashes: string } | undefined;
}

/** The forms in which guests are told. */
export interface VerityParameters {
  /** Kernel parameters for a kernel with CONFIG_DM_INIT, without an initrd. https://docs.kernel.org/admin-guide/device-mapper/dm-init.html */
  readonly dmInit: string;
  /** Kernel parameters for an initrd with systemd-veritysetup-generator(8). */
  readonly systemd: string;
  /** Kata Containers' `kernel_verity_params`, which takes a salt; the tree is to be on a partition of its own, without a superblock. */
  readonly kata: string | undefined;
}

/** The salt as tools of dm-verity write it: hexadecimal, `-` for none. */
export const saltText = (salt: Uint8Array): string => (salt.length === 0 ? '-' : hexOf(salt));

const SECTOR_SIZE = 512;

/** The parameters for a guest that has the image as `device`; on a disk it finds the partitions wherever the disk is. */
export function verityParameters(
  { rootHash, salt, uuid, dataBlocks, hashOffset, partitions }: Verity,
  device = '/dev/vda',
): VerityParameters {
  const [data, hashes] =
    partitions === undefined ? [device, device] : [`PARTUUID=${partitions.data}`, `PARTUUID=${partitions.hashes}`];
  const offset = partitions === undefined ? hashOffset : 0;
  const root = hexOf(rootHash);
  const hasSuperblock = uuid !== undefined;
  const options = [
    ...(offset === 0 ? [] : [`hash-offset=${offset}`]),
    ...(hasSuperblock ? [] : withoutSuperblock(dataBlocks, salt)),
  ];
  const systemdOptions = options.length === 0 ? '' : ` systemd.verity_root_options=${options.join(',')}`;
  const sectors = dataBlocks * (VERITY_BLOCK_SIZE / SECTOR_SIZE);
  const tree = offset / VERITY_BLOCK_SIZE + (hasSuperblock ? 1 : 0);
  const sizes = `${VERITY_BLOCK_SIZE} ${VERITY_BLOCK_SIZE} ${dataBlocks} ${tree}`;
  const table = `0 ${sectors} verity 1 ${data} ${hashes} ${sizes} sha256 ${root} ${saltText(salt)}`;
  return {
    dmInit: `dm-mod.create="root,,,ro,${table}" root=/dev/dm-0 ro`,
    systemd: `roothash=${root} systemd.verity_root_data=${data} systemd.verity_root_hash=${hashes}${systemdOptions} root=/dev/mapper/root ro`,
    kata:
      salt.length === 0
        ? undefined
        : `root_hash=${root},salt=${hexOf(salt)},data_blocks=${dataBlocks},data_block_size=${VERITY_BLOCK_SIZE},hash_block_size=${VERITY_BLOCK_SIZE}`,
  };
}

/** What veritytab(5) is told in place of the superblock. */
const withoutSuperblock = (dataBlocks: number, salt: Uint8Array): string[] => [
  'superblock=no',
  'format=1',
  `data-block-size=${VERITY_BLOCK_SIZE}`,
  `hash-block-size=${VERITY_BLOCK_SIZE}`,
  `data-blocks=${dataBlocks}`,
  `salt=${saltText(salt)}`,
  'hash=sha256',
];
