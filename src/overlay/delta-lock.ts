import { fstatSync } from 'node:fs';
import { createServer } from 'node:net';
import { ImageError } from '../core/errors.ts';

/**
 * Keeps other processes from using an open file as a delta until the returned function is called or this process ends, in
 * whatever way: a name in Linux's abstract socket namespace goes with the process that bound it. Containers with networks of
 * their own do not see each other's names, and elsewhere than on Linux there are none: nothing is locked there. `path` is for
 * messages. Throws `delta-in-use`.
 */
export async function lockDelta(fd: number, path: string): Promise<() => void> {
  if (process.platform !== 'linux') return () => undefined;
  const { dev, ino } = fstatSync(fd, { bigint: true });
  const server = createServer((socket) => socket.destroy());
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE';
      reject(
        isTaken
          ? new ImageError('delta-in-use', 'another process uses it', { reference: path }, { cause: error })
          : error,
      );
    });
    server.listen(`\0blockloom-delta-${dev}-${ino}`, resolve);
  });
  return () => void server.close();
}
