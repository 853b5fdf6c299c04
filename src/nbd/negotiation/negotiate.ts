import { ConnectionFailure } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { HandshakeFlag, HeaderBytes, Magic, Option, Reply } from '../protocol.ts';
import { type Conversation, send, skip, take } from './conversation.ts';
import { Haggling } from './haggling.ts';
import { errorReply, greeting } from './option-replies.ts';
import type { Chosen, Policy } from './policy.ts';

/** Options whose data is looked at are never near as long. */
const PARSED_BYTES_MAX = 256 * 1024;

/** Options of which data is read before they are answered. */
const WITH_DATA: ReadonlySet<number> = new Set([
  Option.EXPORT_NAME,
  Option.INFO,
  Option.GO,
  Option.LIST_META_CONTEXT,
  Option.SET_META_CONTEXT,
]);

/**
 * The handshake phase, fixed newstyle: from the greeting to the chosen export, or undefined when the client took leave.
 * Throws ConnectionFailure where the protocol leaves nothing but closing.
 */
export function* negotiate(policy: Policy): Conversation<Chosen | undefined> {
  yield* send(greeting());
  const clientFlags = u32At(yield* take(4), 0);
  if ((clientFlags & ~(HandshakeFlag.FIXED_NEWSTYLE | HandshakeFlag.NO_ZEROES)) !== 0) {
    throw new ConnectionFailure('client-flags', 'the client sets flags that the server did not offer');
  }
  const isFixed = (clientFlags & HandshakeFlag.FIXED_NEWSTYLE) !== 0;
  const haggling = new Haggling(policy, (clientFlags & HandshakeFlag.NO_ZEROES) === 0);
  for (let count = 0; count < policy.limits.optionsMax; count++) {
    const { option, length } = yield* optionHeader(policy.limits);
    if (!isFixed && option !== Option.EXPORT_NAME) {
      throw new ConnectionFailure('option-order', 'a client without fixed newstyle sends more than an export name');
    }
    const refusal = refusalOf(policy, haggling, option);
    if (refusal !== undefined) {
      yield* skip(length);
      yield* send(errorReply(option, refusal.type, refusal.message));
      continue;
    }
    const isParsed = WITH_DATA.has(option) && length <= PARSED_BYTES_MAX;
    const data = isParsed ? yield* take(length) : undefined;
    if (!isParsed) yield* skip(length);
    const result = yield* haggling.answer(option, length, data);
    if (result === 'leave') return undefined;
    if (result !== 'more') return result;
  }
  throw new ConnectionFailure(
    'option-limit',
    `the client sent ${policy.limits.optionsMax} options and chose no export`,
  );
}

function* optionHeader({ optionBytesMax }: Limits): Conversation<{ option: number; length: number }> {
  const header = yield* take(HeaderBytes.option);
  if (u32At(header, 0) !== Magic.optionHigh || u32At(header, 4) !== Magic.optionLow) {
    throw new ConnectionFailure('bad-magic', 'an option does not begin with IHAVEOPT');
  }
  const length = u32At(header, 12);
  if (length > optionBytesMax) {
    throw new ConnectionFailure(
      'option-too-long',
      `an option has ${length} bytes of data, at most ${optionBytesMax} are read`,
    );
  }
  return { option: u32At(header, 8), length };
}

/** The error that answers every option in the state the server is in. */
function refusalOf(policy: Policy, haggling: Haggling, option: number): { type: number; message: string } | undefined {
  if (option === Option.ABORT) return undefined;
  if (policy.isClosing()) {
    if (option === Option.EXPORT_NAME)
      throw new ConnectionFailure('unknown-export', 'an export was chosen while closing');
    return { type: Reply.ERR_SHUTDOWN, message: 'the server is shutting down' };
  }
  if (policy.tls !== 'require' || haggling.isEncrypted || option === Option.STARTTLS) return undefined;
  if (option === Option.EXPORT_NAME) throw new ConnectionFailure('option-order', 'an export was chosen before TLS');
  return { type: Reply.ERR_TLS_REQD, message: 'this server requires TLS' };
}

function u32At(bytes: Uint8Array, at: number): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUInt32BE(at);
}
