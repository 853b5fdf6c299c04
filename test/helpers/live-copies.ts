import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Image } from '../../src/image/image.ts';
import { NbdServer, nbdUri, parsePskFile } from '../../src/nbd/index.ts';
import { imageBackend } from '../../src/serve-image.ts';
import { toolOutput } from './nbd-tools.ts';
import { scratch } from './scratch.ts';

const KEY = 'alice:00112233445566778899aabbccddeeff\n';

/**
 * Copies a served image over every transport, with both kinds of replies, with extents and without; throws when a copy is
 * not the file `built`. QEMU compares too.
 */
export async function compareCopies(image: Image, built: string): Promise<void> {
  const folder = scratch();
  const keys = join(folder, 'keys.psk');
  writeFileSync(keys, KEY);
  const copy = join(folder, 'copy');
  const compare = async (uri: string, ...options: string[]): Promise<void> => {
    await toolOutput('nbdcopy', [...options, uri, copy]);
    await toolOutput('cmp', [copy, built]);
  };
  for (const structuredReplies of [true, false]) {
    const tls = { mode: 'on', psk: parsePskFile(KEY) } as const;
    const server = new NbdServer({ exports: [{ name: '', backend: imageBackend(image) }], tls, structuredReplies });
    onTestFinished(async () => server.close());
    const unix = await server.listenUnix();
    const tcp = await server.listenTcp({ port: 0 });
    await compare(nbdUri(unix));
    await compare(nbdUri(unix), '--no-extents');
    await compare(nbdUri(tcp));
    await compare(`nbds+unix://alice@/?socket=${unix.path}&tls-psk-file=${keys}`);
    await toolOutput('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', nbdUri(unix), built]);
  }
}
