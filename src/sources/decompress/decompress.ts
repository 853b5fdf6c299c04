import { ImageError, type ImageErrorContext } from '../../core/errors.ts';
import { type Format, FORMAT_BYTES, REMEDIES } from './format.ts';
import { gunzip } from './gzip.ts';
import { unxz } from './xz.ts';
import { unzstd } from './zstd.ts';
import type { ZstdEngine } from './zstd-engine.ts';

/** The uncompressed stream of `input`, whose format was told by its first bytes. Throws `layer-unsupported` for a format without a reader. */
export function decompress(
  format: Format,
  input: AsyncIterable<Uint8Array>,
  context: ImageErrorContext,
  zstdEngine: ZstdEngine | undefined,
): AsyncIterable<Uint8Array> {
  switch (format) {
    case 'tar':
      return input;
    case 'gzip':
      return gunzip(input, context);
    case 'zstd':
      return unzstd(input, context, zstdEngine);
    case 'xz':
      return unxz(input, context);
    default:
      throw unreadable(format, context);
  }
}

function unreadable(format: Exclude<Format, 'tar' | 'gzip' | 'zstd' | 'xz'>, context: ImageErrorContext): ImageError {
  if (format === 'empty') {
    const what = `it is empty, and even a tar without entries has a block of ${FORMAT_BYTES} zeros`;
    return new ImageError('layer-truncated', what, context);
  }
  const found = format === 'unknown' ? 'it is no tar that is known here' : `it is a file of ${format}`;
  const remedy = format === 'unknown' ? '' : `; ${REMEDIES[format]}`;
  return new ImageError(
    'layer-unsupported',
    `${found}, expected a tar, plain or in gzip, zstd or xz${remedy}`,
    context,
  );
}
