import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { displayName } from '../../core/bytes.ts';
import { ImageError, type ImageErrorContext } from '../../core/errors.ts';
import { LayerIndexBuilder } from '../../core/layer/layer-index.ts';
import { FILE_BYTES_MAX } from '../../core/tar/limits.ts';
import { sourceFailure } from '../failure.ts';
import { FileTable } from '../file-table.ts';
import { HostFilesBlob } from '../host-files-blob.ts';
import { type FileIdentity, identityOf } from '../identity.ts';
import type { Layer } from '../layer.ts';
import type { Opening } from '../opening.ts';
import { InlineBlob } from './inline-blob.ts';
import { type InlineData, layerEntries } from './inline-entry.ts';
import { imagePath, type InlineEntry, type InlineFiles } from './inline-files.ts';

/** The most bytes that the texts of one layer may have together. */
const TEXT_BYTES_MAX = 64 * 1024 * 1024;

/** A file of the host that an entry names. */
interface HostFile {
  readonly path: string;
  readonly identity: FileIdentity;
  readonly isExecutable: boolean;
}

/**
 * Files that are described in place, as a layer: texts are in memory, files of the host are opened when they are read. Throws
 * ImageError with the entry's path.
 */
export function openInline(files: InlineFiles, { reference, context }: Opening): Layer {
  const texts = textsOf(files, context);
  const builder = new LayerIndexBuilder();
  const table = new FileTable();
  const hostPaths = new Map<number, string>();
  const memory = new Uint8Array(texts.reduce((sum, text) => sum + (text?.length ?? 0), 0));
  let textEnd = 0;
  let hostEnd = 0;
  let count = 0;
  for (const [i, [path, entry]] of Object.entries(files).entries()) {
    const place = { ...context, path: displayName(imagePath(path)) };
    const text = texts[i];
    let data: InlineData | undefined;
    if (text !== undefined) {
      data = { size: text.length, dataOffset: textEnd, isExecutable: false };
      memory.set(text, textEnd);
      textEnd += text.length;
    } else if ('file' in entry) {
      const { path: hostPath, identity, isExecutable } = lookAt(entry.file, place);
      data = { size: Number(identity.size), dataOffset: memory.length + hostEnd, isExecutable };
      if (data.size > 0) table.add(count, hostEnd, identity);
      hostPaths.set(count, hostPath);
      hostEnd += data.size;
    }
    for (const each of layerEntries(imagePath(path), entry, data, place)) {
      builder.add(each);
      count++;
    }
  }
  const index = builder.finish();
  const blob = new HostFilesBlob((entry) => hostPaths.get(entry) ?? '', index, table, context);
  return { reference, index, blob: new InlineBlob(memory, blob) };
}

/** The bytes of the entries that have them in place. */
function textsOf(files: InlineFiles, context: ImageErrorContext): (Uint8Array | undefined)[] {
  const encoder = new TextEncoder();
  let total = 0;
  return Object.values(files).map((entry: InlineEntry) => {
    const bytes = 'text' in entry ? encoder.encode(entry.text) : 'bytes' in entry ? entry.bytes : undefined;
    total += bytes?.length ?? 0;
    if (total <= TEXT_BYTES_MAX) return bytes;
    throw new ImageError('limit-exceeded', `its texts have over ${TEXT_BYTES_MAX} bytes; put them into files`, context);
  });
}

/** A file may be named through symlinks, as on any command line; what counts is where they lead now. */
function lookAt(name: string, place: ImageErrorContext): HostFile {
  try {
    const path = realpathSync(name);
    const stats = statSync(path, { bigint: true });
    if (!stats.isFile()) {
      const kind = stats.isDirectory() ? 'a directory, which is a layer of its own: dir:' : 'not a file';
      throw new ImageError('layer-unsupported', `${name} is ${kind}`, place);
    }
    if (stats.size > BigInt(FILE_BYTES_MAX)) {
      throw new ImageError(
        'limit-exceeded',
        `${name} has ${stats.size} bytes, at most ${FILE_BYTES_MAX} fit ext4`,
        place,
      );
    }
    accessSync(path, constants.R_OK);
    return { path, identity: identityOf(stats), isExecutable: (stats.mode & 0o100n) !== 0n };
  } catch (error) {
    const failure = sourceFailure(error, place);
    if (failure === error || !(failure instanceof ImageError)) throw failure;
    throw new ImageError(failure.code, `${name}: ${failure.what}`, place, { cause: error });
  }
}
