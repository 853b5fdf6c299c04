import { createReadStream } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { ImageError } from '../core/errors.ts';
import type { OpenImageOptions } from '../image/open-image.ts';
import { sourceFailure } from '../sources/failure.ts';
import { referenceOf } from '../sources/layer-input.ts';
import { filesystemOptions } from './filesystem-shape.ts';
import { type Folder, folderAt } from './folder.ts';
import { parseYaml } from './parse-yaml.ts';
import { definitionRecord } from './schema.ts';
import type { Read } from './shape.ts';
import { Cursor } from './value.ts';

/** The longest definition that is read, in bytes. */
const DEFINITION_BYTES_MAX = 1024 * 1024;

/** What a definition says: layers, and options where it has them. */
export type Definition = Pick<
  OpenImageOptions,
  | 'layers'
  | 'fs'
  | 'fatBits'
  | 'fatCompat'
  | 'journal'
  | 'features'
  | 'mountOptions'
  | 'label'
  | 'size'
  | 'deviceSize'
  | 'free'
  | 'inodes'
  | 'blockSize'
  | 'uuid'
  | 'placement'
  | 'mtime'
  | 'owner'
  | 'chmodMask'
  | 'keepPermissions'
  | 'symlinkedParents'
  | 'platform'
  | 'fsverity'
  | 'verity'
  | 'veritySalt'
  | 'veritySuperblock'
  | 'embedInputs'
  | 'formatVersion'
  | 'disk'
>;

/**
 * Reads an image definition, YAML 1.2 or JSON, as options for `openImage`; its relative paths are those of its own folder. `-` is
 * standard input, whose paths are relative to the working directory. Throws `definition-invalid` with line and column, or
 * `layer-not-found` and `layer-unreadable`.
 */
export async function readDefinition(path: string, stdin: Readable = process.stdin): Promise<Definition> {
  const name = path === '-' ? 'standard input' : path;
  const stream = path === '-' ? stdin : createReadStream(path);
  const text = decode(await readBounded(stream, name), name);
  const definition = parseDefinition(text, name, folderAt(path === '-' ? '.' : dirname(path)));
  if (path === '-' && definition.layers.some((input) => referenceOf(input) === '-')) {
    throw new ImageError('definition-invalid', 'the layer - is standard input, as the definition is', {
      reference: name,
    });
  }
  return definition;
}

/** What a definition's text says. Throws `definition-invalid`. */
export function parseDefinition(text: string, name: string, folder: Folder): Definition {
  const { value, text: source } = parseYaml(text, name);
  return toDefinition(definitionRecord(folder).read(new Cursor(value, source)));
}

function toDefinition(found: Read<ReturnType<typeof definitionRecord>['fields']>): Definition {
  const { mtime, owner, platform } = found;
  return {
    layers: found.layers!,
    ...filesystemOptions(found.filesystem ?? {}),
    mtime,
    owner,
    platform,
    chmodMask: found.chmod_mask,
    keepPermissions: found.keep_permissions,
    symlinkedParents: found.symlinked_parents,
    fsverity: found.fsverity,
    verity: found.verity,
    veritySalt: found.verity_salt,
    veritySuperblock: found.verity_superblock,
    embedInputs: found.embed_inputs,
    formatVersion: found.format_version,
    disk: found.boot === undefined ? found.disk : { table: 'gpt', ...found.disk, boot: found.boot },
  };
}

async function readBounded(stream: Readable, name: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of stream as AsyncIterable<Uint8Array>) {
      pieces.push(piece);
      length += piece.length;
      if (length > DEFINITION_BYTES_MAX) {
        const what = `it has over ${DEFINITION_BYTES_MAX} bytes, expected a definition; large contents belong into files of their own`;
        throw new ImageError('definition-invalid', what, { reference: name });
      }
    }
  } catch (error) {
    throw sourceFailure(error, { reference: name });
  }
  return Buffer.concat(pieces);
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ImageError('definition-invalid', 'it is not text in UTF-8', { reference: name }, { cause: error });
  }
}
