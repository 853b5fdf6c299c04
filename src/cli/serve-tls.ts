import { readFile } from 'node:fs/promises';
import { ImageError } from '../core/errors.ts';
import { parsePskFile, type TlsOptions } from '../nbd/index.ts';

/** The options of TLS; all but the mode are paths. */
export interface TlsArguments {
  readonly tls: 'off' | 'on' | 'require';
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly tlsPsk?: string;
}

/** Reads the files of TLS; undefined without TLS. Throws `option-invalid`. */
export async function tlsOptions(args: TlsArguments): Promise<TlsOptions | undefined> {
  const { tls, tlsCert, tlsKey, tlsCa, tlsPsk } = args;
  if (tls === 'off') return undefined;
  const [cert, key, ca, psk] = await Promise.all([tlsCert, tlsKey, tlsCa, tlsPsk].map(readKey));
  return {
    mode: tls,
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(ca !== undefined && { ca }),
    ...(psk !== undefined && { psk: parsePskFile(psk) }),
  };
}

async function readKey(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new ImageError('option-invalid', `cannot read ${path}: ${(error as Error).message}`, {}, { cause: error });
  });
}
