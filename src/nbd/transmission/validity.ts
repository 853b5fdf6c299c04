import { Command, CommandFlag, ErrorValue, type ReplyStyle } from '../protocol.ts';
import type { Request } from './request.ts';

/** What requests are held against. */
export interface Rules {
  readonly size: number;
  readonly style: ReplyStyle;
  readonly isWritable: boolean;
  readonly canTrim: boolean;
  readonly hasAllocation: boolean;
  readonly blockBytesMin: number;
  readonly payloadBytesMax: number;
}

/** The error value that a request deserves before anything is done for it, "Error values", or 0. */
export function refusal(request: Request, rules: Rules): number {
  const allowed = allowedFlags(request.type, rules);
  if ((request.flags & ~allowed) !== 0) return ErrorValue.EINVAL;
  switch (request.type) {
    case Command.READ:
      return request.length > rules.payloadBytesMax
        ? ErrorValue.EOVERFLOW
        : misplaced(request, rules, ErrorValue.EINVAL);
    case Command.WRITE:
      return refusedWrite(request, rules);
    case Command.FLUSH:
      return 0;
    case Command.TRIM:
      if (!rules.isWritable) return ErrorValue.EPERM;
      return rules.canTrim ? misplaced(request, rules, ErrorValue.EINVAL) : ErrorValue.EINVAL;
    case Command.CACHE:
      return misplaced(request, rules, ErrorValue.EINVAL);
    case Command.WRITE_ZEROES:
      return rules.isWritable ? misplaced(request, rules, ErrorValue.ENOSPC) : ErrorValue.EPERM;
    case Command.BLOCK_STATUS:
      if (!rules.hasAllocation || request.length === 0) return ErrorValue.EINVAL;
      return misplaced(request, rules, ErrorValue.EINVAL);
    default:
      return ErrorValue.EINVAL;
  }
}

function refusedWrite(request: Request, rules: Rules): number {
  const hasPayload = (request.flags & CommandFlag.PAYLOAD_LEN) !== 0;
  if (rules.style === 'extended' && !hasPayload) return ErrorValue.EINVAL;
  if (!rules.isWritable) return ErrorValue.EPERM;
  if (request.length > rules.payloadBytesMax) return ErrorValue.EOVERFLOW;
  return misplaced(request, rules, ErrorValue.ENOSPC);
}

function misplaced({ offset, length }: Request, { size, blockBytesMin }: Rules, pastTheEnd: number): number {
  if (offset + length > size) return pastTheEnd;
  return offset % blockBytesMin === 0 && length % blockBytesMin === 0 ? 0 : ErrorValue.EINVAL;
}

/** FUA is valid everywhere, the others where they mean something. */
function allowedFlags(type: number, { style }: Rules): number {
  switch (type) {
    case Command.READ:
      return CommandFlag.FUA | (style === 'simple' ? 0 : CommandFlag.DF);
    case Command.WRITE:
      return CommandFlag.FUA | (style === 'extended' ? CommandFlag.PAYLOAD_LEN : 0);
    case Command.WRITE_ZEROES:
      return CommandFlag.FUA | CommandFlag.NO_HOLE | CommandFlag.FAST_ZERO;
    case Command.BLOCK_STATUS:
      return CommandFlag.FUA | CommandFlag.REQ_ONE;
    default:
      return CommandFlag.FUA;
  }
}

const BY_CODE: Readonly<Record<string, number>> = {
  EPERM: ErrorValue.EPERM,
  EACCES: ErrorValue.EPERM,
  EROFS: ErrorValue.EPERM,
  ENOMEM: ErrorValue.ENOMEM,
  EINVAL: ErrorValue.EINVAL,
  ENOSPC: ErrorValue.ENOSPC,
  EDQUOT: ErrorValue.ENOSPC,
  EFBIG: ErrorValue.ENOSPC,
};

/** The error value of what a backend threw. ENOTSUP exists for fast zeros only. */
export function errorValueOf(error: unknown, { type, flags }: Request): number {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  if (code === 'ENOTSUP' && type === Command.WRITE_ZEROES && (flags & CommandFlag.FAST_ZERO) !== 0) {
    return ErrorValue.ENOTSUP;
  }
  return (typeof code === 'string' && Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined) ?? ErrorValue.EIO;
}
