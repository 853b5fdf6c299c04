import { utf8ByteString } from '../bytes.ts';
import { ImageError } from '../errors.ts';
import { base58 } from '../ware/base58.ts';
import { CborWriter } from '../ware/cbor.ts';
import type { Sha384 } from '../ware/fileset-hash.ts';
import type { Document } from './formula.ts';

/** Version 1, DAG-CBOR, SHA-384, 48 bytes. https://github.com/multiformats/cid, and multicodec's table */
const PREFIX = [0x01, 0x71, 0x20, 0x30];
/** Base 58 of Bitcoin, in multibase's table. */
const BASE = 'z';

/** The CID of a document as Warpforge has it: of its DAG-CBOR, by SHA-384, in base 58. Throws `formula-invalid` for what is none. */
export function contentId(document: Document, hash: Sha384): string {
  const writer = new CborWriter();
  write(writer, document);
  hash.update(writer.finish());
  return BASE + base58(Uint8Array.from([...PREFIX, ...hash.digest()]));
}

/** Keys are in the order of their lengths, then of their bytes. https://ipld.io/specs/codecs/dag-cbor/spec/ */
function write(writer: CborWriter, value: Document): void {
  if (typeof value === 'string') writer.text(utf8ByteString(value));
  else if (typeof value === 'boolean') writer.boolean(value);
  else if (isList(value)) {
    writer.array(value.length);
    for (const each of value) write(writer, each);
  } else if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([key, each]) => [utf8ByteString(key), each] as const);
    members.sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
    writer.map(members.length);
    for (const [key, each] of members) {
      writer.text(key);
      write(writer, each);
    }
  } else throw new ImageError('formula-invalid', `${String(value)}, which no formula.v1 has`);
}

const isList = (value: Document): value is readonly Document[] => Array.isArray(value);
