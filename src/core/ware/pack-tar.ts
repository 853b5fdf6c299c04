import { EntryType } from '../layer/entry.ts';
import { roundUp } from '../struct.ts';
import { BLOCK_BYTES } from '../tar/header.ts';
import { TAR_END, tarHeader } from '../tar/write-header.ts';
import type { FilesetEvent } from './read-fileset.ts';
import type { FilesetNode } from './walk-fileset.ts';

/** A fileset that is read as a tar; returns its hash. Each piece is good until the next is asked for. */
export function* packTar(events: Generator<FilesetEvent, string>): Generator<Uint8Array, string> {
  let next = events.next();
  for (; next.done !== true; next = events.next()) {
    const event = next.value;
    if (event.kind === 'begins') yield headerOf(event.node);
    else if (event.kind === 'bytes') yield event.bytes;
    else if (event.node.type === EntryType.file) yield paddingOf(event.node);
  }
  yield TAR_END;
  return next.value;
}

const paddingOf = ({ size }: FilesetNode): Uint8Array => new Uint8Array(roundUp(size, BLOCK_BYTES) - size);

/** Names are those that rio writes: `./`, `./bin/`, `./bin/sh`. */
function headerOf(node: FilesetNode): Uint8Array {
  const name = node.path === '' ? '.' : `./${node.path}`;
  return tarHeader({
    ...node,
    name: node.type === EntryType.directory ? `${name}/` : name,
    linkName: node.linkPath,
    storedSize: node.size,
  });
}
