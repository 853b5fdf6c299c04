import { deltaBase } from './delta-base.ts';
import type { Image } from './image/image.ts';
import { openDeltaReadOnly, type ReadOnlyDelta } from './overlay/open-delta.ts';
import { OverlayView } from './overlay/overlay-view.ts';
import type { PumpOptions } from './sinks/pump.ts';

/**
 * An image with the delta at `path` over it, to be written or digested like any; what was not flushed when the delta was left
 * may be missing. Closing it leaves `image` open. Throws as `openWritable` does; nothing is made where there is no delta.
 */
export async function openMergedImage(image: Image, path: string, options: PumpOptions = {}): Promise<Image> {
  const delta = await openDeltaReadOnly(path, await deltaBase(image, options));
  return mergedImage(image, delta);
}

function mergedImage(image: Image, delta: ReadOnlyDelta): Image {
  const view = new OverlayView(image, delta);
  return {
    size: image.size,
    read: (offset, target) => view.read(offset, target),
    // Its blocks are in the page cache, or a disk's read away.
    readAsync: async (offset, target) => view.read(offset, target),
    extents: (offset, length, granularity) => view.extents(offset, length, granularity),
    label: (offset) => image.label(offset),
    verifyUnchanged: () => image.verifyUnchanged(),
    watched: () => mergedImage(image.watched(), delta),
    close: () => delta.close(),
  };
}
