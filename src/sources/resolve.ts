import type { Execution } from '../core/oci/execution.ts';
import type { Platform } from '../core/oci/platform.ts';
import type { InlineFiles } from './inline/inline-files.ts';
import type { Layer } from './layer.ts';
import type { Opening } from './opening.ts';

/** Opens one layer; its number and the rest of the circumstances come with `opening`. */
export type LayerOpener = (opening: Opening) => Promise<Layer>;

/** What a layer is known as where images are kept. */
interface LayerOrigin {
  /** Of the blob as it is kept, most often compressed; not every archive tells. */
  readonly digest?: string;
  readonly diffId: string;
}

/** Which image a reference turned out to name. */
export interface ImageOrigin {
  readonly transport: string;
  /** A reference to the same image that stays when tags move, where the transport has such. */
  readonly pinned: string;
  /** Of the image's manifest; a docker-archive has none. */
  readonly manifestDigest?: string | undefined;
  readonly platform: Platform;
  readonly layers: readonly LayerOrigin[];
  /** What its configuration says of its program, read when it is asked for. Throws `oci-invalid`. */
  readonly execution: () => Execution;
}

/** A reference with what it stands for: its layers, bottom first. Nothing of them was read yet. */
export interface ResolvedReference {
  readonly reference: string;
  /** The directory of the image below which its layers come. */
  readonly at?: string | undefined;
  /** Files that were described in place of a reference. */
  readonly files?: InlineFiles | undefined;
  readonly layers: readonly LayerOpener[];
  /** Only of references to container images. */
  readonly origin?: ImageOrigin | undefined;
  /** Gives back what the openers share; layers that are open stay so. */
  readonly close?: () => void;
}
