import { byteString, displayName } from '../../src/core/bytes.ts';
import { Filesystem } from '../../src/core/ext4/reader/filesystem.ts';
import { compareTrees } from '../../src/core/reading/compare-trees.ts';
import { exportLayer } from '../../src/core/reading/export-layer.ts';
import { exportTar } from '../../src/core/reading/export-tar.ts';
import { findPath } from '../../src/core/reading/find.ts';
import type { Image } from '../../src/image/image.ts';
import { concat } from './tar-writer.ts';

/** The tar that an image, or what is below a path of it, is exported as; warnings are added to `warnings`. */
export function exportBytes(image: Image, path = '', warnings: string[] = []): Uint8Array {
  const filesystem = new Filesystem(image);
  const start = findPath(filesystem, byteString(Buffer.from(path)));
  const pieces = exportTar(filesystem, start, path, { warn: (warning) => warnings.push(warning) });
  return gather(pieces);
}

/** The layer that makes `base` into `image`. */
export function layerBytes(base: Image, image: Image): Uint8Array {
  return gather(exportLayer(new Filesystem(base), new Filesystem(image), { warn: () => undefined }));
}

/** What is different between two images, a line each. */
export function treeDifferences(before: Image, after: Image): string[] {
  return [...compareTrees(new Filesystem(before), new Filesystem(after))]
    .filter(({ isSame }) => !isSame)
    .map(({ path, kind, how }) => [kind, displayName(path), ...how].join(' '));
}

/** All bytes of pieces that are good only until the next one. */
function gather(pieces: Iterable<Uint8Array>): Uint8Array {
  return concat(Array.from(pieces, (piece) => piece.slice()));
}
