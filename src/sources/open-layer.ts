import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { displayName, utf8ByteString } from '../core/bytes.ts';
import { ImageError, type ImageErrorContext } from '../core/errors.ts';
import { type Format, FORMAT_BYTES, formatOf } from './decompress/format.ts';
import { openDirectory } from './directory/open-directory.ts';
import { placed, sourceFailure } from './failure.ts';
import { FileBlob } from './file-blob.ts';
import { identityOf } from './identity.ts';
import type { Layer } from './layer.ts';
import { preadSync } from './pread.ts';
import { parseReference } from './reference.ts';
import { scanTar } from './scan-tar.ts';

export interface OpenLayerOptions {
  /** The layer's number in its image, from 0 at the bottom; for errors. */
  readonly layer?: number | undefined;
  /** Take owners and permissions of a directory from the host instead of making them 0:0 and 0755 or 0644. */
  readonly keepPermissions?: boolean | undefined;
}

/** Opens one layer. Throws ImageError with the layer's number and reference. */
export async function openLayer(reference: string, options: OpenLayerOptions = {}): Promise<Layer> {
  const context = { layer: options.layer ?? 0, reference: displayName(utf8ByteString(reference)) };
  try {
    const { kind, path } = parseReference(reference, context) as { kind: string; path: string };
    if (kind === 'directory') return openDirectory(path, reference, options, context);
    return openFile(path, reference, options, context);
  } catch (error) {
    throw placed(sourceFailure(error, context), context);
  }
}

function openFile(path: string, reference: string, options: OpenLayerOptions, context: ImageErrorContext): Layer {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    const stats = fstatSync(fd, { bigint: true });
    if (stats.isDirectory()) {
      closeSync(fd);
      return openDirectory(path, reference, options, context);
    }
    const head = new Uint8Array(FORMAT_BYTES);
    checkFormat(formatOf(head.subarray(0, preadSync(fd, head, 0))), context);
    const blob = new FileBlob(fd, identityOf(stats), context, path);
    return { reference, index: scanTar(blob, Number(stats.size), context.layer ?? 0), blob };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function checkFormat(format: Format, context: ImageErrorContext): void {
  if (format === 'tar') return;
  throw new ImageError('layer-unsupported', `it is ${format}, expected tar`, context);
}
