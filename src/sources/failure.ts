import { ImageError, type ImageErrorContext } from '../core/errors.ts';

/** The code of a failed system call (`ENOENT`), or undefined for any other value. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** The failure of a system call on a source, as an ImageError; other errors pass unchanged. */
export function sourceFailure(error: unknown, context: ImageErrorContext): unknown {
  const errno = errnoOf(error);
  if (error instanceof ImageError || errno === undefined) return error;
  if (errno === 'ENOENT' || errno === 'ENOTDIR') {
    return new ImageError('layer-not-found', 'no such file or directory', context, { cause: error });
  }
  return new ImageError('layer-unreadable', `it cannot be read (${errno})`, context, { cause: error });
}

/** The same error with what the place lacks: readers below know an entry, but not the layer's number or reference. */
export function placed(error: unknown, { layer, reference }: ImageErrorContext): unknown {
  if (!(error instanceof ImageError)) return error;
  const cause = error.cause === undefined ? {} : { cause: error.cause };
  return new ImageError(error.code, error.what, { ...error.context, layer, reference }, cause);
}
