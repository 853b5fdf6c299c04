import { copyFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../../src/core/ext4/record.ts';
import { openImageFile } from '../../src/image/file-image.ts';
import { readImageRecord } from '../../src/image/read-record.ts';
import { output } from '../helpers/cli.ts';
import { buildCase } from '../helpers/image-case.ts';
import { mountImage, unmount } from '../helpers/mount.ts';
import { scratch } from '../helpers/scratch.ts';
import { makeTar, type TarEntry } from '../helpers/tar-writer.ts';
import { debugfs, e2fsck, requireTools, run, skipped } from '../helpers/tools.ts';

const isReady = requireTools('e2fsck', 'debugfs', 'dumpe2fs', 'resize2fs', 'tune2fs', 'mount', 'root');
const hasGrub = requireTools('grub-fstest');
const hasSleuthKit = requireTools('icat');
const MIB = 1024 * 1024;

const LAYER: readonly TarEntry[] = [
  { name: 'etc/hostname', data: 'web-1\n' },
  { name: 'big', data: 'x'.repeat(3 * MIB) },
];

function recordOf(path: string): string | undefined {
  const image = openImageFile(path);
  try {
    const record = readImageRecord(image);
    return record === undefined ? undefined : new TextDecoder().decode(encodeRecord(record));
  } finally {
    image.close();
  }
}

describe.skipIf(!isReady).each([1024, 2048, 4096] as const)('the record in an image of blocks of %d', (blockSize) => {
  const build = async (): Promise<{ path: string; copy: string; text: string }> => {
    const { path, directory, image } = await buildCase([LAYER], { blockSize, size: 40 * MIB, label: 'r' });
    const copy = join(directory, 'copy.ext4');
    copyFileSync(path, copy);
    return { path, copy, text: new TextDecoder().decode(encodeRecord(image.plan.record)) };
  };

  it('is what debugfs and our reader find', async () => {
    const { path, text } = await build();
    e2fsck(path);
    expect(debugfs(path, 'cat <5>')).toBe(text);
    expect(debugfs(path, 'stat <5>')).toMatch(/Type: regular +Mode: +0400 +Flags: 0x80000\n/);
    expect(recordOf(path)).toBe(text);
    expect(run('dumpe2fs', [path]).toString()).toMatch(/Filesystem volume name: +r\n/);
  });

  it.skipIf(skipped(!hasGrub || !hasSleuthKit, 'GRUB or Sleuth Kit missing'))(
    'is no matter to other readers',
    async () => {
      const { path, text } = await build();
      expect(run('grub-fstest', [path, 'cat', '(loop0)/etc/hostname']).toString()).toBe('web-1\n');
      expect(run('grub-fstest', [path, 'ls', '(loop0)/']).toString()).toBe('big etc/ lost+found/ \n');
      expect(run('icat', [path, '5']).toString()).toBe(text);
    },
  );

  it('stays when a guest writes, and when e2fsck, tune2fs and resize2fs change the filesystem', async () => {
    const { copy, text } = await build();
    const readOnly = mountImage(copy);
    expect(run('cat', [join(readOnly, 'etc/hostname')]).toString()).toBe('web-1\n');
    unmount(readOnly);
    const mounted = mountImage(copy, 'rw');
    run('sh', ['-c', 'rm big; dd if=/dev/zero of=full bs=1M 2>/dev/null; sync; rm full; echo n > new; sync'], {
      cwd: mounted,
    });
    unmount(mounted);
    e2fsck(copy);
    expect(recordOf(copy)).toBe(text);
    run('e2fsck', ['-fyD', copy]);
    run('tune2fs', ['-L', 'other', '-U', '01234567-89ab-cdef-0123-456789abcdef', copy]);
    e2fsck(copy);
    expect(recordOf(copy)).toBe(text);
    // More groups need room for descriptors, which stands where the record is.
    truncateSync(copy, 5000 * MIB);
    run('resize2fs', [copy]);
    e2fsck(copy);
    expect(debugfs(copy, 'cat <5>')).toBe(text);
    expect(recordOf(copy)).toBe(text);
    run('resize2fs', ['-M', copy]);
    e2fsck(copy);
    expect(recordOf(copy)).toBe(text);
  });
});

describe('the record of layers', () => {
  it('is the same from every transport', () => {
    const cwd = scratch();
    const tar = makeTar(LAYER);
    writeFileSync(join(cwd, 'a.tar'), tar);
    writeFileSync(join(cwd, 'b.tgz'), gzipSync(tar));
    const hash = (...args: string[]): string => output(['hash', ...args], { cwd });
    const plain = hash('a.tar');
    expect(hash('b.tgz')).toBe(plain);
    expect(output(['hash', '-'], { cwd, input: tar })).toBe(plain);
    expect(hash('--keep-permissions', 'a.tar')).toBe(plain);
    expect(hash('--symlinked-parents', 'error', 'a.tar')).not.toBe(plain);
  });
});
