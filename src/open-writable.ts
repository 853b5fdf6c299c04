import type { Image } from './image/image.ts';
import type { Backend, Export } from './nbd/index.ts';
import { deltaBase } from './delta-base.ts';
import { openDelta } from './overlay/open-delta.ts';
import { Overlay } from './overlay/overlay.ts';
import { ScratchDelta } from './overlay/scratch-delta.ts';
import type { PumpOptions } from './sinks/pump.ts';

/** Where what clients write to an image goes; without either, to a delta that all share and that is gone when it is closed. */
export interface WritableOptions extends PumpOptions {
  /** The path of a delta that is kept. It is made where there is none. */
  readonly delta?: string | undefined;
  /** Every connection has a delta of its own, which is gone with it. */
  readonly perConnection?: boolean | undefined;
}

/**
 * An image that clients can write to, for `serveImage`. The image itself never changes. With a delta that is kept all of
 * it is read first, to know that the delta belongs to it. Throws `delta-corrupt`, `delta-mismatch`, `delta-in-use`,
 * `output-failed`, and as reading the image does.
 */
export async function openWritable(image: Image, options: WritableOptions = {}): Promise<Export['backend']> {
  const base = image.watched();
  const scratch = (): Backend => new Overlay(base, new ScratchDelta(base.size));
  if (options.delta !== undefined)
    return new Overlay(base, await openDelta(options.delta, await deltaBase(image, options)));
  return options.perConnection === true ? scratch : scratch();
}
