import { getSystemErrorMap } from 'node:util';
import { ImageError } from '../core/errors.ts';

/** The failure of a system call on what is written, as `output-failed`; other errors pass unchanged. */
export function outputFailure(what: string, error: unknown): unknown {
  if (!isSystemError(error)) return error;
  return new ImageError('output-failed', `cannot write ${what}: ${reasonOf(error)}`, {}, { cause: error });
}

/** The failure of a system call on a file that is compared, as `layer-not-found`; other errors pass unchanged. */
export function comparisonFailure(path: string, error: unknown): unknown {
  if (!isSystemError(error)) return error;
  return new ImageError('layer-not-found', `cannot read ${path}: ${reasonOf(error)}`, {}, { cause: error });
}

/** Why it failed, without the names of calls and temporary files that Node's messages have. */
export function reasonOf(error: unknown): string {
  if (!isSystemError(error)) return String(error);
  return getSystemErrorMap().get(error.errno ?? 0)?.[1] ?? error.code ?? error.message;
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
