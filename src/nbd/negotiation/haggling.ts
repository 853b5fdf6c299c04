import type { Backend, Export } from '../backend.ts';
import { ConnectionFailure } from '../errors.ts';
import { BASE_ALLOCATION, Info, Option, Reply, type ReplyStyle } from '../protocol.ts';
import { transmissionFlags } from '../transmission-flags.ts';
import { type Conversation, open, send } from './conversation.ts';
import { OptionDataError, parseContextRequest, parseInfoRequest, textOf } from './option-data.ts';
import {
  blockSizeReply,
  contextReply,
  errorReply,
  infoReply,
  optionReply,
  serverReply,
  sizeAndFlags,
} from './option-replies.ts';
import { ALLOCATION_ID, type Chosen, type Policy } from './policy.ts';

const BLOCK_BYTES_PREFERRED = 4096;
const ZEROES_AFTER_EXPORT_NAME = 124;

/** What came of an option: one more may follow, the client takes leave, or transmission begins. */
type Result = 'more' | 'leave' | Chosen;

/** The options of one connection and what they have agreed on so far. */
export class Haggling {
  isEncrypted = false;
  readonly #policy: Policy;
  readonly #padsExportName: boolean;
  #style: ReplyStyle = 'simple';
  /** The export that SET_META_CONTEXT chose `base:allocation` for. */
  #allocationOf: Export | undefined;
  /** What INFO opened, so that GO tells the same. */
  #opened: { entry: Export; backend: Backend } | undefined;

  constructor(policy: Policy, padsExportName: boolean) {
    this.#policy = policy;
    this.#padsExportName = padsExportName;
  }

  /** Answers one option; `data` is undefined when it was not looked at, because of its length or of the option. */
  *answer(option: number, length: number, data: Uint8Array | undefined): Conversation<Result> {
    switch (option) {
      case Option.EXPORT_NAME:
        return yield* this.#exportName(data);
      case Option.ABORT:
        yield* send(optionReply(option, Reply.ACK));
        return 'leave';
      case Option.LIST:
        return yield* this.#list(length);
      case Option.STARTTLS:
        return yield* this.#startTls(length);
      case Option.INFO:
      case Option.GO:
        return yield* this.#parsing(option, data, (bytes) => this.#info(option, bytes));
      case Option.STRUCTURED_REPLY:
      case Option.EXTENDED_HEADERS:
        if (!this.#policy.structuredReplies) return yield* this.#refuseUnsupported(option);
        return yield* this.#replyStyle(option, length);
      case Option.LIST_META_CONTEXT:
        return yield* this.#parsing(option, data, (bytes) => this.#listContexts(bytes));
      case Option.SET_META_CONTEXT:
        // The contexts set before are gone even when this option fails.
        this.#allocationOf = undefined;
        return yield* this.#parsing(option, data, (bytes) => this.#setContexts(bytes));
      default:
        return yield* this.#refuseUnsupported(option);
    }
  }

  *#refuseUnsupported(option: number): Conversation<Result> {
    return yield* this.#refuse(option, Reply.ERR_UNSUP, 'this option is not supported');
  }

  *#exportName(data: Uint8Array | undefined): Conversation<Result> {
    if (this.#style === 'extended') {
      throw new ConnectionFailure('option-order', 'EXPORT_NAME after extended headers were negotiated');
    }
    const entry = this.#visible(nameOf(data));
    const backend = entry && (yield* this.#open(entry));
    if (entry === undefined || backend === undefined) {
      throw new ConnectionFailure('unknown-export', 'EXPORT_NAME asks for an export that cannot be had');
    }
    const chosen = this.#choose(entry, backend);
    yield* send(sizeAndFlags(backend.size, chosen.flags, this.#padsExportName ? ZEROES_AFTER_EXPORT_NAME : 0));
    return chosen;
  }

  *#list(length: number): Conversation<Result> {
    if (length !== 0) return yield* this.#refuse(Option.LIST, Reply.ERR_INVALID, 'LIST has no data');
    for (const entry of this.#policy.exports.visible(this.isEncrypted)) yield* send(serverReply(Option.LIST, entry));
    return yield* this.#acknowledge(Option.LIST);
  }

  *#startTls(length: number): Conversation<Result> {
    const option = Option.STARTTLS;
    if (length !== 0) return yield* this.#refuse(option, Reply.ERR_INVALID, 'STARTTLS has no data');
    if (this.isEncrypted) return yield* this.#refuse(option, Reply.ERR_INVALID, 'TLS is in use already');
    if (this.#policy.tls === 'off') return yield* this.#refuse(option, Reply.ERR_POLICY, 'this server has no TLS');
    this.#style = 'simple';
    this.#allocationOf = undefined;
    yield* this.#closeOpened();
    yield { do: 'start-tls', reply: optionReply(option, Reply.ACK) };
    this.isEncrypted = true;
    return 'more';
  }

  *#replyStyle(option: number, length: number): Conversation<Result> {
    if (length !== 0) return yield* this.#refuse(option, Reply.ERR_INVALID, 'this option has no data');
    if (option === Option.STRUCTURED_REPLY && this.#style === 'extended') {
      return yield* this.#refuse(option, Reply.ERR_EXT_HEADER_REQD, 'extended headers are in use already');
    }
    this.#style = option === Option.EXTENDED_HEADERS ? 'extended' : 'structured';
    return yield* this.#acknowledge(option);
  }

  *#info(option: number, data: Uint8Array): Conversation<Result> {
    const { name, wanted } = parseInfoRequest(data);
    const entry = this.#visible(name);
    if (entry === undefined) return yield* this.#refuseExport(option);
    const backend = yield* this.#open(entry);
    if (backend === undefined) return yield* this.#refuse(option, Reply.ERR_UNKNOWN, 'the export cannot be opened');
    const chosen = this.#choose(entry, backend);
    yield* send(infoReply(option, Info.EXPORT, sizeAndFlags(backend.size, chosen.flags)));
    if (wanted.has(Info.NAME)) yield* send(infoReply(option, Info.NAME, Buffer.from(entry.name)));
    if (wanted.has(Info.DESCRIPTION) && entry.description !== undefined) {
      yield* send(infoReply(option, Info.DESCRIPTION, Buffer.from(entry.description)));
    }
    if (wanted.has(Info.BLOCK_SIZE)) yield* send(blockSizeReply(option, this.#blockSizes(entry)));
    yield* this.#acknowledge(option);
    return option === Option.GO ? chosen : 'more';
  }

  *#listContexts(data: Uint8Array): Conversation<Result> {
    const option = Option.LIST_META_CONTEXT;
    const { name, queries } = parseContextRequest(data);
    if (this.#visible(name) === undefined) return yield* this.#refuse(option, Reply.ERR_UNKNOWN, 'no such export');
    const isAsked = queries.length === 0 || queries.includes('base:') || queries.includes(BASE_ALLOCATION);
    if (isAsked) yield* send(contextReply(option, 0, BASE_ALLOCATION));
    return yield* this.#acknowledge(option);
  }

  *#setContexts(data: Uint8Array): Conversation<Result> {
    const option = Option.SET_META_CONTEXT;
    if (this.#style === 'simple') {
      return yield* this.#refuse(option, Reply.ERR_INVALID, 'metadata contexts need structured replies');
    }
    const { name, queries } = parseContextRequest(data);
    const entry = this.#visible(name);
    if (entry === undefined) return yield* this.#refuse(option, Reply.ERR_UNKNOWN, 'no such export');
    if (queries.includes(BASE_ALLOCATION)) {
      this.#allocationOf = entry;
      yield* send(contextReply(option, ALLOCATION_ID, BASE_ALLOCATION));
    }
    return yield* this.#acknowledge(option);
  }

  /** Runs an answer that parses the data; what is wrong with the data is told, and the session lives. */
  *#parsing(
    option: number,
    data: Uint8Array | undefined,
    answer: (data: Uint8Array) => Conversation<Result>,
  ): Conversation<Result> {
    if (data === undefined) return yield* this.#refuse(option, Reply.ERR_TOO_BIG, 'the option has too much data');
    try {
      return yield* answer(data);
    } catch (error) {
      if (!(error instanceof OptionDataError)) throw error;
      return yield* this.#refuse(option, error.isTooBig ? Reply.ERR_TOO_BIG : Reply.ERR_INVALID, error.message);
    }
  }

  /** A client without TLS must not learn whether an export that needs TLS is there. */
  *#refuseExport(option: number): Conversation<Result> {
    if (this.#policy.tls !== 'off' && !this.isEncrypted && this.#policy.exports.hasTlsOnly) {
      return yield* this.#refuse(option, Reply.ERR_TLS_REQD, 'the export needs TLS, or there is none of this name');
    }
    return yield* this.#refuse(option, Reply.ERR_UNKNOWN, 'no such export');
  }

  *#refuse(option: number, type: number, message: string): Conversation<'more'> {
    yield* send(errorReply(option, type, message));
    return 'more';
  }

  *#acknowledge(option: number): Conversation<'more'> {
    yield* send(optionReply(option, Reply.ACK));
    return 'more';
  }

  #visible(name: string): Export | undefined {
    const entry = this.#policy.exports.find(name);
    return entry?.tlsOnly === true && !this.isEncrypted ? undefined : entry;
  }

  *#open(entry: Export): Conversation<Backend | undefined> {
    if (this.#opened?.entry === entry) return this.#opened.backend;
    yield* this.#closeOpened();
    const backend = yield* open(entry);
    this.#opened = backend && { entry, backend };
    return backend;
  }

  *#closeOpened(): Conversation<void> {
    if (this.#opened !== undefined) yield { do: 'close-backend', backend: this.#opened.backend };
    this.#opened = undefined;
  }

  #choose(entry: Export, backend: Backend): Chosen {
    const flags = transmissionFlags(entry, backend, this.#style);
    return { entry, backend, style: this.#style, hasAllocation: this.#allocationOf === entry, flags };
  }

  #blockSizes({ blockBytesMin = 1 }: Export): [number, number, number] {
    return [blockBytesMin, Math.max(blockBytesMin, BLOCK_BYTES_PREFERRED), this.#policy.limits.payloadBytesMax];
  }
}

function nameOf(data: Uint8Array | undefined): string {
  try {
    if (data !== undefined) return textOf(data);
  } catch (error) {
    if (!(error instanceof OptionDataError)) throw error;
  }
  throw new ConnectionFailure('unknown-export', 'EXPORT_NAME has a name that is no string of the protocol');
}
