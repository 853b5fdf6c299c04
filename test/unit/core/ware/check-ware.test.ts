import { describe, expect, it } from 'vitest';
import { scratch } from '../../../helpers/scratch.ts';
import type { TarEntry } from '../../../helpers/tar-writer.ts';
import { wareAt, writeTar } from '../../../helpers/wares.ts';

const refusal = async (entries: readonly TarEntry[]): Promise<unknown> =>
  wareAt(writeTar(scratch(), 'a.tar', entries)).catch((error: unknown) => error);

describe('what no ware may have', () => {
  it.each<readonly [string, readonly TarEntry[]]>([
    ['entry b, header at 0x200: a hard link', [{ name: 'a' }, { name: 'b', type: 'hardlink', linkName: 'a' }]],
    ['entry a, header at 0x200: the name comes twice', [{ name: 'a' }, { name: './a' }]],
    ['entry d, header at 0x200: the name comes twice, or behind something in it', [{ name: 'd/a' }, { name: 'd/' }]],
    ['entry /, header at 0x200: the name comes twice', [{ name: 'a' }, { name: './' }]],
    ['entry a/b, header at 0x200: its parent a is not a directory', [{ name: 'a' }, { name: 'a/b' }]],
    ['its parent s is not a directory', [{ name: 's', type: 'symlink', linkName: '/' }, { name: 's/x/b' }]],
  ])('%s', async (message, entries) => {
    expect(await refusal(entries)).toMatchObject({ code: 'ware-corrupt', message: expect.stringContaining(message) });
  });

  it('is not a name that leaves it', async () => {
    expect(await refusal([{ name: '../a' }])).toMatchObject({ code: 'name-escapes-root' });
  });
});
