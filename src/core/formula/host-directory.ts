import { displayName, utf8ByteString } from '../bytes.ts';
import { ImageError } from '../errors.ts';

/**
 * The directory of this host that an input names; undefined for a ware. `ro` and `overlay` are what a copy can be; what is written to one
 * that is `rw` would have to be there afterwards. Throws `assembly-invalid`.
 */
export function hostDirectory(path: string, source: string): string | undefined {
  const [, mode = '', directory = ''] = /^mount:([^:]*):?(.*)$/s.exec(source) ?? [];
  if (!source.startsWith('mount:')) return undefined;
  if (mode === 'rw') throw invalid(path, source, 'nothing that is written reaches this host: ro or overlay do without');
  if (mode !== 'ro' && mode !== 'overlay') throw invalid(path, source, 'expected mount:ro:PATH or mount:overlay:PATH');
  if (!directory.startsWith('/')) throw invalid(path, source, 'expected an absolute path');
  return directory;
}

function invalid(path: string, source: string, what: string): ImageError {
  const [shown, given] = [path, source].map((text) => displayName(utf8ByteString(text)));
  return new ImageError('assembly-invalid', `the path ${shown} is to be ${given}: ${what}`);
}
