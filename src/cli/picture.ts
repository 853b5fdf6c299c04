import { basename } from 'node:path';
import type { Layer } from '../sources/layer.ts';
import type { Image } from '../image/image.ts';
import { mapHtml } from '../picture/map-html.ts';
import type { PictureComparison } from '../picture/picture-data.ts';
import { writePieces } from '../sinks/piece-sink.ts';
import { STDOUT } from './output.ts';
import type { ProgressLine } from './progress.ts';

/** What a picture is drawn of, and where it goes. */
interface PictureArguments {
  readonly image: Image;
  readonly layers: readonly Layer[];
  /** What the image was opened from. */
  readonly references: readonly string[];
  readonly output: string;
  readonly force?: boolean | undefined;
  readonly comparison?: PictureComparison;
}

/** Writes the page of an image to a file, or to STDOUT. */
export async function writePicture(
  { image, layers, references, output, force, comparison }: PictureArguments,
  signal: AbortSignal,
  progress: ProgressLine,
): Promise<void> {
  let names = 0;
  const page = mapHtml(image, {
    title: references.map((reference) => basename(reference)).join(' + '),
    layers: labelsOf(layers),
    ...(comparison !== undefined && { comparison }),
    onName: () => progress.show({ phase: 'drawing', files: { done: ++names } }),
  });
  await writePieces(bytesOf(page), output === STDOUT ? process.stdout : output, { force, signal });
  progress.end();
}

/** References without their folders; layers of one image by their digest too. */
function labelsOf(layers: readonly Layer[]): string[] {
  const references = layers.map(({ reference }) => reference);
  return layers.map(({ reference, diffId = '' }) => {
    const isOnly = references.indexOf(reference) === references.lastIndexOf(reference);
    return isOnly ? basename(reference) : `${diffId.slice('sha256:'.length, 19)} of ${basename(reference)}`;
  });
}

function* bytesOf(texts: Iterable<string>): Generator<Uint8Array, void> {
  for (const text of texts) yield Buffer.from(text);
}
