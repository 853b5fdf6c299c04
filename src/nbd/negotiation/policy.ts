import type { Backend, Export } from '../backend.ts';
import type { ExportTable } from '../export-table.ts';
import type { Limits } from '../limits.ts';
import type { ReplyStyle } from '../protocol.ts';

/** `off`: no TLS; `on`: for clients that ask; `require`: nothing is told or served without. */
export type TlsMode = 'off' | 'on' | 'require';

/** What a server lets its clients negotiate. */
export interface Policy {
  readonly exports: ExportTable;
  readonly tls: TlsMode;
  readonly limits: Limits;
  /** Whether clients get structured replies, and with them extended headers and metadata contexts, when they ask. */
  readonly structuredReplies: boolean;
  /** Whether the server is stopping. */
  readonly isClosing: () => boolean;
}

/** What a client has chosen for the transmission phase. */
export interface Chosen {
  readonly entry: Export;
  readonly backend: Backend;
  readonly style: ReplyStyle;
  /** Whether BLOCK_STATUS was negotiated for this export. */
  readonly hasAllocation: boolean;
  /** The transmission flags that the client was told. */
  readonly flags: number;
}

/** The number under which BLOCK_STATUS reports `base:allocation`. */
export const ALLOCATION_ID = 1;
