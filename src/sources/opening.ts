import type { Readable } from 'node:stream';
import { displayName, utf8ByteString } from '../core/bytes.ts';
import type { ImageErrorContext } from '../core/errors.ts';
import type { OnProgress } from '../core/progress.ts';
import type { XattrRecords } from '../core/tar/pax.ts';
import type { ZstdEngine } from './decompress/zstd-engine.ts';
import { defaultCacheDirectory } from './store/cache-directory.ts';

/** The most bytes that one layer may have when decompressed, unless said otherwise: 1 TiB. */
const LAYER_BYTES_MAX = 2 ** 40;

export interface OpenLayerOptions {
  /** The layer's number in its image, from 0 at the bottom; for errors. */
  readonly layer?: number | undefined;
  /** The directory of decompressed layers and indexes; false for none. Default: `$XDG_CACHE_HOME/blockloom`, else `~/.cache/blockloom`. */
  readonly cache?: string | false | undefined;
  /** Take owners and permissions of a directory from the host instead of making them 0:0 and 0755 or 0644. */
  readonly keepPermissions?: boolean | undefined;
  /** The most bytes that the layer may have when decompressed; default 1 TiB. */
  readonly layerBytesMax?: number | undefined;
  /** What `-` reads; default the process's standard input. */
  readonly stdin?: Readable | undefined;
  /** Ends the opening; it then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told, in one line, what did not go as asked and does no harm. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Told how far downloading, decompressing, verifying and reading layers are, all layers together. */
  readonly onProgress?: OnProgress | undefined;
  /** Which zstd decoder to use; default: Node's own where it has one. */
  readonly zstdEngine?: ZstdEngine | undefined;
}

/** The opening of one layer: its options with the defaults filled in. */
export interface Opening {
  readonly reference: string;
  readonly context: ImageErrorContext & { readonly layer: number; readonly reference: string };
  /** Undefined: nothing is kept. */
  readonly cache: string | undefined;
  readonly keepPermissions: boolean;
  /** Which extended attributes of a tar count. */
  readonly xattrRecords: XattrRecords;
  readonly layerBytesMax: number;
  readonly signal: AbortSignal | undefined;
  readonly zstdEngine: ZstdEngine | undefined;
  readonly onWarning: (message: string) => void;
  readonly onProgress: OnProgress;
}

/** The opening of a ware: of a tar's extended attributes those count that rio knows, which are those of Go's archive/tar. */
export const wareOpeningOf = (reference: string, options: OpenLayerOptions): Opening => ({
  ...openingOf(reference, options),
  xattrRecords: 'schily',
});

/** The opening of a layer of `reference`. */
export function openingOf(reference: string, options: OpenLayerOptions): Opening {
  return {
    reference,
    context: { layer: options.layer ?? 0, reference: displayName(utf8ByteString(reference)) },
    cache: options.cache === false ? undefined : (options.cache ?? defaultCacheDirectory()),
    keepPermissions: options.keepPermissions ?? false,
    xattrRecords: 'all',
    layerBytesMax: options.layerBytesMax ?? LAYER_BYTES_MAX,
    signal: options.signal,
    zstdEngine: options.zstdEngine,
    onWarning: options.onWarning ?? (() => undefined),
    onProgress: options.onProgress ?? (() => undefined),
  };
}
