import { join } from 'node:path';
import type { BlockDevice } from './core/ext4/reader/block-reader.ts';
import { GuestFolder } from './guest/guest-folder.ts';
import { type GuestOptions, prepareGuest } from './guest/prepare-guest.ts';
import { type GuestConnections, type MachineChoice, type RunningGuest, StartableGuest } from './guest/run-guest.ts';
import type { Image } from './image/image.ts';
import type { Backend } from './nbd/index.ts';
import { imageBackend, serveImage } from './serve-image.ts';

/** How an image is run. */
export interface RunImageOptions extends Omit<GuestOptions, 'isWritable'>, MachineChoice {
  /** What the guest reads and writes in place of the image, from `openWritable`; closed in the end. */
  readonly backend?: Backend | undefined;
  /** Is told QEMU's command line; returns whether to start it. */
  readonly onCommandLine?: ((argv: readonly string[]) => boolean) | undefined;
  /** Is told of the guest when it runs, to send it signals or to end it. */
  readonly onStart?: ((guest: RunningGuest) => void) | undefined;
  readonly connections: GuestConnections;
}

/**
 * Boots an image in QEMU, which reads it over NBD from this process, and returns the exit status of its command; 0 where the guest
 * powered off by itself, or was not to be started. Throws ImageError: `tool-missing`, `guest-failed`, `option-invalid`, and as reading does.
 */
export async function runImage(image: Image, options: RunImageOptions): Promise<number> {
  const folder = new GuestFolder();
  try {
    return await runServed(image, options, folder);
  } finally {
    folder.remove();
  }
}

async function runServed(image: Image, options: RunImageOptions, folder: GuestFolder): Promise<number> {
  const backend = options.backend ?? imageBackend(image);
  const isWritable = backend.write !== undefined;
  const socket = join(folder.path, 'nbd');
  const server = await serveImage(image, { backend, socket });
  try {
    const prepared = await prepareGuest(deviceOf(backend), { ...options, isWritable });
    const disk = { source: { kind: 'nbd', socket, exportName: '' }, serial: 'root', readOnly: !isWritable } as const;
    const guest = await StartableGuest.make(prepared, options.initrd, [disk], options, folder);
    if (options.onCommandLine?.(guest.argv) === false) return 0;
    const running = guest.start();
    options.onStart?.(running);
    return await running.run(options.connections);
  } finally {
    await server.close();
  }
}

/** What is served, as it is read here before the guest starts: at once, as images and their overlays are. */
function deviceOf(backend: Backend): BlockDevice {
  return { size: backend.size, read: (offset, target) => void backend.read(offset, target) };
}
