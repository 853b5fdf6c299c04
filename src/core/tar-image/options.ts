import { ImageError } from '../errors.ts';
import { BLOCK_BYTES } from '../tar/header.ts';
import { USTAR_NUMBER_MAX } from '../tar/write-ustar.ts';
import type { MetadataPolicy, TimeLimits } from '../tree/metadata.ts';
import type { SymlinkedParents } from '../tree/resolve.ts';

/** What decides a tar image besides its tree. */
export interface TarOptions {
  readonly fs: 'tar';
  /** The image's exact size, zeros behind the tar included, in bytes; default: what the tar needs. */
  readonly size?: number | undefined;
  readonly symlinkedParents: SymlinkedParents;
  readonly metadata: MetadataPolicy;
}

export const USTAR_TIMES: TimeLimits = {
  secondsMin: 0,
  secondsMax: USTAR_NUMBER_MAX,
  hasNanoseconds: false,
  firstDay: '1970-01-01',
  lastDay: '2242-03-16',
  filesystem: 'ustar',
};

/** Throws `option-invalid` for options that no image can have. */
export function checkTarOptions({ size, metadata: { epoch } }: TarOptions): void {
  if (size !== undefined && !(Number.isSafeInteger(size) && size > 0 && size % BLOCK_BYTES === 0)) {
    throw new ImageError('option-invalid', `a size of ${size} bytes: a multiple of ${BLOCK_BYTES}`);
  }
  if (Number.isInteger(epoch) && epoch >= 0 && epoch <= USTAR_NUMBER_MAX) return;
  throw new ImageError('option-invalid', `a time of ${epoch}: whole seconds since 1970, 0 to ${USTAR_NUMBER_MAX}`);
}
