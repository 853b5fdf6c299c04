import { hexOf } from '../core/bytes.ts';
import { formatUuid } from '../core/ext4/uuid.ts';
import { saltText, type Verity, verityParameters } from '../core/verity/parameters.ts';
import { VERITY_BLOCK_SIZE } from '../core/verity/format.ts';

/** A hash tree as JSON has it. */
export function verityJson(verity: Verity): Record<string, unknown> {
  const { rootHash, salt, uuid, dataBlocks, hashOffset } = verity;
  return {
    rootHash: hexOf(rootHash),
    salt: saltText(salt),
    ...(uuid !== undefined && { uuid: formatUuid(uuid) }),
    hashType: 1,
    algorithm: 'sha256',
    dataBlockSize: VERITY_BLOCK_SIZE,
    hashBlockSize: VERITY_BLOCK_SIZE,
    dataBlocks,
    hashOffset,
    parameters: verityParameters(verity),
  };
}

/** Names and values for people. */
export function verityRows(verity: Verity): [string, string][] {
  const { dmInit, systemd, kata } = verityParameters(verity);
  return [
    ['root hash', hexOf(verity.rootHash)],
    ['dm-init', dmInit],
    ['systemd', systemd],
    ...(kata === undefined ? [] : [['kata', kata] as [string, string]]),
  ];
}
