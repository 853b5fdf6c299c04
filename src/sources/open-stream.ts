import { addAbortSignal, type Readable } from 'node:stream';
import { FORMAT_BYTES, formatOf } from './decompress/format.ts';
import type { Layer } from './layer.ts';
import { continued, counted, takeHead } from './byte-stream.ts';
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
    const pieces = counted(continued(head, chunks), undefined, 'decompressing', opening.onProgress);
    const { decompress } = await import('./decompress/decompress.ts');
    const input = decompress(format, pieces, opening.context, opening.zstdEngine);
    return openTarFile(await materialize(input, opening), opening);
  } finally {
    stream.destroy();
  }
}
