import { CommanderError } from 'commander';
import { ImageError, type ImageErrorCode } from '../core/errors.ts';

/** What a command ends with. 129, 130 and 143 are SIGHUP, SIGINT and SIGTERM. */
export const ExitCode = { done: 0, failed: 1, usage: 2, input: 3, different: 4 } as const;

const EXIT_CODE_OF: Readonly<Record<ImageErrorCode, number>> = {
  'layer-corrupt': ExitCode.input,
  'layer-truncated': ExitCode.input,
  'layer-unsupported': ExitCode.input,
  'layer-changed': ExitCode.input,
  'layer-not-found': ExitCode.input,
  'layer-unreadable': ExitCode.input,
  'oci-invalid': ExitCode.input,
  'digest-mismatch': ExitCode.input,
  'registry-denied': ExitCode.failed,
  'registry-failed': ExitCode.failed,
  'name-invalid': ExitCode.input,
  'name-escapes-root': ExitCode.input,
  'link-target-missing': ExitCode.input,
  'limit-exceeded': ExitCode.input,
  'image-too-small': ExitCode.failed,
  'record-invalid': ExitCode.input,
  'lock-invalid': ExitCode.input,
  'definition-invalid': ExitCode.input,
  'manifest-invalid': ExitCode.input,
  'boot-invalid': ExitCode.input,
  'image-corrupt': ExitCode.input,
  'image-unsupported': ExitCode.input,
  'path-not-found': ExitCode.input,
  'delta-corrupt': ExitCode.input,
  'delta-mismatch': ExitCode.input,
  'delta-in-use': ExitCode.failed,
  'option-invalid': ExitCode.usage,
  'output-exists': ExitCode.failed,
  'output-failed': ExitCode.failed,
  'ware-not-found': ExitCode.input,
  'ware-corrupt': ExitCode.input,
  'ware-mismatch': ExitCode.input,
  'ware-filtered': ExitCode.input,
  'warehouse-unavailable': ExitCode.failed,
  'warehouse-unwritable': ExitCode.failed,
  'formula-invalid': ExitCode.input,
  'assembly-invalid': ExitCode.input,
  'pack-invalid': ExitCode.input,
  'job-invalid': ExitCode.input,
  'tool-missing': ExitCode.failed,
  'bridge-failed': ExitCode.failed,
  'guest-failed': ExitCode.failed,
};

/** An image is another than its lock says. */
export class LockMismatch extends Error {
  /** One line each. */
  readonly differences: readonly string[];

  constructor(differences: readonly string[]) {
    super(differences.join('; '));
    this.differences = differences;
  }
}

const SIGNAL_EXIT_CODE = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** A signal that ends the work. */
export class SignalError extends Error {
  readonly signal: keyof typeof SIGNAL_EXIT_CODE;
  readonly exitCode: number;

  constructor(signal: keyof typeof SIGNAL_EXIT_CODE) {
    super(`ended by ${signal}`);
    this.signal = signal;
    this.exitCode = SIGNAL_EXIT_CODE[signal];
  }
}

/**
 * Says in one line what went wrong, with the stack under `--debug` or when it is a bug, and returns the exit status: that of `statusOf`
 * where the command has its own.
 */
export function report(error: unknown, debug: boolean, statusOf: (error: unknown) => number = ownStatus): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : statusOf(error);
  if (error instanceof SignalError) return error.exitCode;
  if (isBrokenPipe(error)) return ExitCode.failed;
  if (error instanceof LockMismatch) {
    for (const difference of error.differences) console.error(`blockloom: lock-mismatch: ${difference}`);
    return ExitCode.different;
  }
  const known = error instanceof ImageError;
  const message = error instanceof Error ? error.message : String(error);
  console.error(`blockloom: ${message}`);
  if (debug || !(known || isOfTheSystem(error))) console.error(error instanceof Error ? (error.stack ?? '') : '');
  return statusOf(error);
}

function ownStatus(error: unknown): number {
  if (error instanceof CommanderError) return ExitCode.usage;
  return error instanceof ImageError ? EXIT_CODE_OF[error.code] : ExitCode.failed;
}

/** A call to the system failed, and its message says which. */
function isOfTheSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

/** Whoever reads our output has seen enough. */
function isBrokenPipe(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === 'EPIPE') || isBrokenPipe(error.cause);
}
