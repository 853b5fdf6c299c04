import { addAbortSignal, type Readable } from 'node:stream';
import { FORMAT_BYTES, formatOf } from './decompress/format.ts';
import type { Layer } from './layer.ts';
import { materialize } from './materialize.ts';
import type { Opening } from './opening.ts';
import { openTarFile } from './open-tar.ts';

/** A layer from a stream that cannot be read twice: a tar, plain or compressed. It is read to its end. */
export async function openStream(stream: Readable, opening: Opening): Promise<Layer> {
  if (opening.signal !== undefined) addAbortSignal(opening.signal, stream);
  try {
    const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    const head = await takeHead(chunks);
    const format = formatOf(head.subarray(0, FORMAT_BYTES));
    const { decompress } = await import('./decompress/decompress.ts');
    const input = decompress(format, continued(head, chunks), opening.context, opening.zstdEngine);
    return openTarFile(await materialize(input, opening), opening);
  } finally {
    stream.destroy();
  }
}

/** At least FORMAT_BYTES bytes, or all. */
async function takeHead(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let length = 0; length < FORMAT_BYTES; ) {
    const next = await chunks.next();
    if (next.done) break;
    parts.push(next.value);
    length += next.value.length;
  }
  return Buffer.concat(parts);
}

async function* continued(head: Uint8Array, chunks: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
}
