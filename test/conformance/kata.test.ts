import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ImageOptions } from '../../src/image/options.ts';
import { buildCase } from '../helpers/image-case.ts';
import { scratch } from '../helpers/scratch.ts';
import { requireTools, run } from '../helpers/tools.ts';

/** What Kata's runtimes have the kernel mount the root filesystem of a guest with, whatever that is. */
const ROOT_FLAGS = 'data=ordered,errors=remount-ro';

/** The options that the kernel has mounted an image with, as findmnt(8) tells. */
async function mounted(options: ImageOptions): Promise<string[]> {
  const { path } = await buildCase([[{ name: 'sbin/init', data: 'x' }]], options);
  const directory = join(scratch(), 'mnt');
  mkdirSync(directory);
  run('mount', ['-t', 'ext4', '-o', `loop,ro,${ROOT_FLAGS}`, path, directory]);
  onTestFinished(() => {
    run('umount', [directory]);
  });
  return run('findmnt', ['-no', 'OPTIONS', directory]).toString().trim().split(',');
}

describe.skipIf(!requireTools('root', 'mount', 'findmnt'))("the kernel takes Kata's root flags", () => {
  it('for an image with a journal', async () => {
    expect(await mounted({ journal: true })).toContain('ro');
  });

  it('for an image without one, whose default is journal_data_ordered', async () => {
    expect(await mounted({ mountOptions: ['journal_data_ordered'] })).toContain('ro');
  });

  it('and no others', async () => {
    await expect(mounted({})).rejects.toThrow('mount');
  });
});
