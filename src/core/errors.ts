/** What went wrong, as a stable name for programs; the message says it to people. */
export type ImageErrorCode =
  | 'layer-corrupt'
  | 'layer-truncated'
  | 'layer-unsupported'
  | 'layer-changed'
  | 'layer-not-found'
  | 'layer-unreadable'
  | 'oci-invalid'
  | 'digest-mismatch'
  | 'registry-denied'
  | 'registry-failed'
  | 'name-invalid'
  | 'name-escapes-root'
  | 'link-target-missing'
  | 'limit-exceeded'
  | 'image-too-small'
  | 'record-invalid'
  | 'lock-invalid'
  | 'definition-invalid'
  | 'manifest-invalid'
  | 'boot-invalid'
  | 'image-corrupt'
  | 'image-unsupported'
  | 'path-not-found'
  | 'delta-corrupt'
  | 'delta-mismatch'
  | 'delta-in-use'
  | 'option-invalid'
  | 'output-exists'
  | 'output-failed'
  | 'ware-not-found'
  | 'ware-corrupt'
  | 'ware-mismatch'
  | 'ware-filtered'
  | 'warehouse-unavailable'
  | 'warehouse-unwritable'
  | 'formula-invalid'
  | 'assembly-invalid'
  | 'pack-invalid'
  | 'job-invalid'
  | 'tool-missing'
  | 'bridge-failed'
  | 'guest-failed';

/**
 * Where it went wrong. `layer` counts from 0 at the bottom, `reference` is what it was opened from; `path` is a display
 * form; `offset` is in bytes of the uncompressed layer.
 */
export interface ImageErrorContext {
  readonly layer?: number | undefined;
  readonly reference?: string | undefined;
  readonly path?: string | undefined;
  readonly offset?: number | undefined;
}

/**
 * Every failure that input, options or the host can cause. Its `message` is one lower-case line that begins with
 * the place (`layer 3, entry usr/bin/ping, header at 0x1a200: …`) and says what was found and what was expected.
 */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code: ImageErrorCode;
  readonly context: ImageErrorContext;
  /** The message without its place. */
  readonly what: string;

  constructor(code: ImageErrorCode, what: string, context: ImageErrorContext = {}, options?: ErrorOptions) {
    super([...places(context), what].join(': '), options);
    this.code = code;
    // A copy: the context may be an object that moves along with a reader.
    this.context = { layer: context.layer, reference: context.reference, path: context.path, offset: context.offset };
    this.what = what;
  }
}

function places({ layer, reference, path, offset }: ImageErrorContext): string[] {
  const parts: string[] = [];
  if (layer !== undefined) parts.push(reference === undefined ? `layer ${layer}` : `layer ${layer} (${reference})`);
  else if (reference !== undefined) parts.push(reference);
  if (path !== undefined) parts.push(`entry ${path === '' ? '/' : path}`);
  if (offset !== undefined) parts.push(`header at 0x${offset.toString(16)}`);
  return parts.length > 0 ? [parts.join(', ')] : [];
}

/**
 * Throws when a rule of this program itself is broken; such an error is a bug here, never the input's fault. A rule that
 * names numbers is a function where it stands in a loop: making its text costs more than the loop's work.
 */
export function assert(condition: boolean, rule: string | (() => string)): asserts condition {
  if (!condition) throw new Error(`broken invariant: ${typeof rule === 'string' ? rule : rule()}`);
}
