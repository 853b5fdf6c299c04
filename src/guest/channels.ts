import type { Duplex, Readable, Writable } from 'node:stream';
import { EndMarker } from './end-marker.ts';

/** What a guest's command is connected with here. */
export interface GuestStreams {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** What work gives, unless what it writes cannot be written here: then it rejects with that. */
export async function unlessBroken<T>(output: Writable, work: Promise<T>): Promise<T> {
  let fail: (error: Error) => void = () => undefined;
  const broken = new Promise<never>((_, reject) => (fail = reject));
  output.on('error', fail);
  try {
    return await Promise.race([work, broken]);
  } finally {
    output.off('error', fail);
  }
}

/** Copies what comes from a port until the marker; settled then, or when the port has ended without. Rejects when it cannot be written here. */
export async function copyUntilMarker(port: Readable, marker: string, output: Writable): Promise<void> {
  const end = new EndMarker(marker);
  const copied = new Promise<void>((resolve) => {
    port.on('data', (chunk: Buffer) => {
      const bytes = end.push(chunk);
      if (bytes.length > 0 && !output.write(bytes)) {
        port.pause();
        output.once('drain', () => port.resume());
      }
      if (end.isFound) resolve();
    });
    port.once('close', resolve);
  });
  return unlessBroken(output, copied);
}

/** Sends what is read here to a port, and its end by `end`; the returned function stops that. */
export function copyInput(input: Readable, port: Duplex, end: (port: Duplex) => void): () => void {
  const send = (chunk: Buffer): void => {
    if (port.write(chunk)) return;
    input.pause();
    port.once('drain', () => input.resume());
  };
  const finish = (): void => end(port);
  input.on('data', send);
  input.once('end', finish);
  return () => {
    input.off('data', send);
    input.off('end', finish);
    input.pause();
  };
}

/** How often within how long the key that leaves a terminal is pressed; it is systemd-nspawn's. */
const LEAVING_KEY = 0x1d;
const LEAVING_TIMES = 3;
const LEAVING_MILLISECONDS = 1000;

/** Calls `leave` when Ctrl-] was pressed three times within a second; the returned function stops that. */
export function watchLeavingKey(input: Readable, leave: () => void): () => void {
  const pressed: number[] = [];
  const watch = (chunk: Buffer): void => {
    for (const byte of chunk) {
      if (byte !== LEAVING_KEY) pressed.length = 0;
      else pressed.push(performance.now());
    }
    const first = pressed.at(-LEAVING_TIMES);
    if (first !== undefined && performance.now() - first < LEAVING_MILLISECONDS) leave();
  };
  input.on('data', watch);
  return () => input.off('data', watch);
}
