import { getSystemErrorMap } from 'node:util';
import { ImageError } from '../core/errors.ts';

/** The failure of a system call on the file of a delta, as `output-failed`; other errors pass unchanged. */
export function deltaFailure(path: string, error: unknown): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error;
  const { errno, code } = error as NodeJS.ErrnoException;
  const reason = getSystemErrorMap().get(errno ?? 0)?.[1] ?? code;
  return new ImageError('output-failed', `cannot use ${path}: ${reason}`, {}, { cause: error });
}
