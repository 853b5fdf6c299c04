import { createHash } from 'node:crypto';
import { ARCHITECTURES } from '../core/disk/partition-types.ts';
import { ImageError } from '../core/errors.ts';
import { architectureOf } from './disk-image.ts';
import type { DiskOptions } from './disk-options.ts';

/**
 * What a lock says of a disk: `gpt`, `gpt arm64`, `mbr`, `mbr dax`, and where it has more than the filesystem of the layers
 * `sha256:HEX` of what describes that. What layers have is not in it: they are references of the lock themselves.
 */
export function lockDisk(disk: DiskOptions, platform: string | undefined): string {
  const { table, dax = false, esp, partitions = [], architecture: _, ...rest } = disk;
  const architecture = architectureOf(disk, platform);
  const words: string[] = [table, ...(architecture === 'x86-64' ? [] : [architecture]), ...(dax ? ['dax'] : [])];
  if (esp !== undefined || partitions.length > 0 || Object.keys(rest).length > 0) {
    const description = JSON.stringify({ esp, partitions, ...rest }, withoutLayers);
    words.push(`sha256:${createHash('sha256').update(description).digest('hex')}`);
  }
  return words.join(' ');
}

/** The reverse; throws `option-invalid` for a disk that only its definition describes. */
export function unlockDisk(text: string): DiskOptions {
  const words = text.split(' ');
  if (words.some((word) => word.startsWith('sha256:'))) {
    const what = "the lock has a disk of a definition, whose partitions are the definition's alone: name it";
    throw new ImageError('option-invalid', what);
  }
  return {
    table: words[0] === 'mbr' ? 'mbr' : 'gpt',
    architecture: ARCHITECTURES.find((each) => words.includes(each)),
    dax: words.includes('dax') || undefined,
  };
}

function withoutLayers(key: string, value: unknown): unknown {
  if (key === 'layers') return (value as unknown[]).length;
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}
