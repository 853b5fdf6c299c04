import { type LayerIdentity, readLayerIdentity } from '../layer/identity.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import type { JsonValue } from '../oci/json.ts';
import { type LockedFiles, readLockedFiles } from './files.ts';

/** A layer as its reference led to it. */
export type LockedLayer = LayerIdentity & {
  /** Of the blob as it is kept, most often compressed, where images are. */
  readonly blob?: Digest;
};

/** A reference and what it stood for. */
export interface LockedReference {
  /** As it was given. */
  readonly reference: string;
  /** The directory of the image below which its layers come. */
  readonly at?: string;
  /** What is described in place of a reference. */
  readonly files?: LockedFiles;
  /** One that stays when tags move. */
  readonly pinned?: string;
  /** Of the image's manifest. */
  readonly manifest?: Digest;
  /** `OS/ARCH[/VARIANT]`. */
  readonly platform?: string;
  /** Bottom first. */
  readonly layers: readonly LockedLayer[];
}

const REFERENCES_MAX = 4096;
const LAYERS_MAX = 4096;

/** Throws the error of `json` for what has another form. */
export function readLockedReferences(json: JsonValue): LockedReference[] {
  return json.elements(REFERENCES_MAX).map(readReference);
}

function readReference(json: JsonValue): LockedReference {
  json.allowOnly(['reference', 'at', 'files', 'pinned', 'manifest', 'platform', 'layers']);
  const pinned = json.get('pinned').optionalString();
  const at = json.get('at').optionalString();
  const platform = json.get('platform').optionalString();
  const [files, manifest] = [json.get('files'), json.get('manifest')];
  return {
    reference: json.get('reference').string(),
    ...(at === undefined ? {} : { at }),
    ...(files.isPresent ? { files: readLockedFiles(files) } : {}),
    ...(pinned === undefined ? {} : { pinned }),
    ...(manifest.isPresent ? { manifest: readDigest(manifest) } : {}),
    ...(platform === undefined ? {} : { platform }),
    layers: json.get('layers').elements(LAYERS_MAX).map(readLayer),
  };
}

function readLayer(json: JsonValue): LockedLayer {
  json.allowOnly(['blob', 'diffId', 'contents']);
  const blob = json.get('blob');
  return { ...(blob.isPresent ? { blob: readDigest(blob) } : {}), ...readLayerIdentity(json) };
}

function readDigest(json: JsonValue): Digest {
  const text = json.string();
  if (!isDigest(text)) throw json.invalid('sha256:HEX or sha512:HEX');
  return text;
}
