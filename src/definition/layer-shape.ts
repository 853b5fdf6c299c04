import { imagePath } from '../sources/inline/inline-files.ts';
import type { LayerInput } from '../sources/layer-input.ts';
import { parseReference } from '../sources/reference.ts';
import type { Folder } from './folder.ts';
import { inlineFiles } from './inline-shapes.ts';
import { type Cursor } from './value.ts';
import { field, type Read, record, type Shape, translated, wording } from './shape.ts';

const reference = wording('a reference', './base.tar');

/** Keys that name a reference, and what stands before it on a command line. */
const TRANSPORTS = {
  dir: 'dir:',
  oci: 'oci:',
  'oci-archive': 'oci-archive:',
  'docker-archive': 'docker-archive:',
  docker: 'docker://',
} as const;

const SOURCES = ['reference', 'tar', ...(Object.keys(TRANSPORTS) as (keyof typeof TRANSPORTS)[]), 'files'] as const;

/** A layer that is a map. */
export const layerRecord = (folder: Folder) =>
  record(
    {
      reference: field(reference, 'any reference of the command line'),
      tar: field(wording('a path', './site.tgz'), 'a tar, plain or compressed'),
      dir: field(wording('a path', './root'), 'a directory of this host'),
      oci: field(wording('DIR[:TAG]', './app:latest'), 'the layers of an image in an OCI layout'),
      'oci-archive': field(wording('FILE[:TAG]', './app.tar'), 'the same in an archive'),
      'docker-archive': field(
        wording('FILE[:NAME]', './app.tar'),
        'the layers of an image in an archive of `docker save`',
      ),
      docker: field(wording('HOST/REPOSITORY[:TAG]', 'localhost:5000/app:1'), 'the layers of an image in a registry'),
      files: field(inlineFiles(folder), 'entries that are described here, see below'),
      at: field(
        wording('a path of the image', '/srv/www'),
        "the directory of the image where the layers' root comes; default: `/`",
      ),
    },
    { schema: { oneOf: SOURCES.map((name) => ({ required: [name] })) } },
  );

/** One of `layers`. */
export function layer(folder: Folder): Shape<LayerInput> {
  const map = layerRecord(folder);
  const expected = `a reference, or a map with one of ${SOURCES.join(', ')}`;
  return {
    expected,
    schema: { oneOf: [reference.schema, map.schema] },
    read: (cursor) => {
      const { value } = cursor;
      if (value.kind === 'list' || (value.kind === 'scalar' && typeof value.scalar !== 'string'))
        throw cursor.unexpected(expected);
      return translated(
        () => (value.kind === 'map' ? ofMap(cursor, map, folder) : plain(reference.read(cursor), folder)),
        (what) => cursor.failure(what),
      );
    },
  };
}

type Found = Read<ReturnType<typeof layerRecord>['fields']>;

function ofMap(cursor: Cursor, map: Shape<Found>, folder: Folder): LayerInput {
  const found = map.read(cursor);
  const given = SOURCES.filter((name) => found[name] !== undefined);
  if (given.length !== 1) {
    const what = given.length === 0 ? 'no layer' : `both ${given.slice(0, 2).join(' and ')}`;
    throw cursor.failure(`found ${what}, expected one of ${SOURCES.join(', ')}`);
  }
  const { files, at } = found;
  if (at !== undefined) imagePath(at);
  const below = at === undefined ? {} : { at };
  if (files !== undefined) return { files, ...below };
  const named = referenceOf(found, folder);
  return at === undefined ? named : { reference: named, at };
}

function referenceOf(found: Found, folder: Folder): string {
  // A path is a path here, whatever it looks like.
  if (found.tar !== undefined) return pathReference(folder.path(found.tar));
  const transport = (Object.keys(TRANSPORTS) as (keyof typeof TRANSPORTS)[]).find((name) => found[name] !== undefined);
  if (transport === undefined) return plain(found.reference ?? '', folder);
  const prefix = TRANSPORTS[transport];
  return plain(`${prefix}${found[transport]!.replace(transport === 'docker' ? /^(docker:)?\/\// : /^$/, '')}`, folder);
}

const pathReference = (path: string): string => (/^[./]/.test(path) ? path : `./${path}`);

function plain(name: string, folder: Folder): string {
  const moved = folder.reference(name);
  parseReference(moved, {});
  return moved;
}
