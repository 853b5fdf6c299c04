import { closeSync, openSync, statSync } from 'node:fs';
import { displayName, utf8ByteString } from '../../core/bytes.ts';
import type { PackType } from '../../core/ware/ware-id.ts';
import { FORMAT_BYTES, formatOf } from '../decompress/format.ts';
import { openLayer } from '../open-layer.ts';
import { openLayers, type OpenLayersOptions } from '../open-layers.ts';
import { preadSync } from '../pread.ts';
import { parseReference } from '../reference.ts';
import { filesetOfDirectory, filesetOfLayers, type OpenFileset } from './fileset.ts';
import { openPacked, openPackedInput } from './open-fileset.ts';
import { isWarehouseAddress } from './warehouse-address.ts';

/** A fileset from whatever there is. */
export interface FilesetSource {
  readonly fileset: OpenFileset;
  /** Whether it is a directory of the host, which nobody packed yet. */
  readonly isDirectory: boolean;
  /** How it is packed; tar for what is not. */
  readonly type: PackType;
}

/**
 * The fileset of references: one to a tar or zip, as a path, an address or `-`; one to a directory, with the owners and modes that it
 * has; or layers and container images, merged. `type` says how it is packed where that cannot be told. Throws ImageError.
 */
export async function openSource(
  references: readonly string[],
  type: PackType | undefined,
  options: OpenLayersOptions,
): Promise<FilesetSource> {
  const [reference = ''] = references;
  const isOne = references.length === 1;
  if (isOne && isWarehouseAddress(reference)) {
    const packed = type ?? 'tar';
    return { fileset: await openPacked(reference, packed, options), isDirectory: false, type: packed };
  }
  const { kind } = parseReference(reference, { reference: displayName(utf8ByteString(reference)) });
  const isPath = kind === 'path' || kind === 'directory';
  if (isOne && isPath && isDirectory(reference, kind)) {
    const layer = await openLayer(reference, { ...options, keepPermissions: true });
    return { fileset: filesetOfDirectory(layer), isDirectory: true, type: type ?? 'tar' };
  }
  if (isOne && kind === 'path') {
    const packed = type ?? (isZip(reference) ? 'zip' : 'tar');
    return { fileset: await openPacked(reference, packed, options), isDirectory: false, type: packed };
  }
  if (isOne && kind === 'stdin') {
    const packed = type ?? 'tar';
    return { fileset: await openPackedInput(packed, options), isDirectory: false, type: packed };
  }
  const { layers } = await openLayers(references, options);
  return { fileset: filesetOfLayers(layers), isDirectory: false, type: type ?? 'tar' };
}

function isDirectory(path: string, kind: 'path' | 'directory'): boolean {
  return kind === 'directory' || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Of what cannot be looked at it is said elsewhere why. */
function isZip(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  const fd = openSync(path, 'r');
  try {
    const head = new Uint8Array(FORMAT_BYTES);
    return formatOf(head.subarray(0, preadSync(fd, head, 0))) === 'zip';
  } finally {
    closeSync(fd);
  }
}
