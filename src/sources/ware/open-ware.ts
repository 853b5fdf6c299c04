import { createReadStream, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { ImageError } from '../../core/errors.ts';
import type { PackType } from '../../core/ware/ware-id.ts';
import type { Layer } from '../layer.ts';
import { materialize } from '../materialize.ts';
import type { Opening } from '../opening.ts';
import { openPath } from '../open-path.ts';
import { openStream } from '../open-stream.ts';
import { openTarFile } from '../open-tar.ts';
import { StagingFile } from '../store/staging-file.ts';

/** The packed ware in a file of the host, as a layer. */
export async function openPackedFile(path: string, type: PackType, opening: Opening): Promise<Layer> {
  if (statSync(path).isDirectory())
    throw new ImageError('ware-corrupt', 'a directory, which is no packed ware', opening.context);
  return type === 'zip' ? openZip(path, opening) : openPath(path, opening);
}

/** The same from a stream. It is kept in a file of its own first: it may end early, and a zip is read from its end. */
export async function openPackedStream(
  pieces: AsyncIterable<Uint8Array>,
  type: PackType,
  opening: Opening,
): Promise<Layer> {
  const staged = new StagingFile(tmpdir(), opening.layerBytesMax, opening.context);
  try {
    for await (const piece of pieces) {
      opening.signal?.throwIfAborted();
      await staged.append(piece);
    }
    staged.finish();
    return type === 'zip'
      ? await openZip(staged.path, opening)
      : await openStream(createReadStream(staged.path), opening);
  } finally {
    staged.discard();
  }
}

async function openZip(path: string, opening: Opening): Promise<Layer> {
  const { zipToTar } = await import('./zip-to-tar.ts');
  return openTarFile(await materialize(zipToTar(path, opening.context), opening), opening);
}
