import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openImage } from '../../src/image/open-image.ts';
import { openImageFile } from '../../src/image/file-image.ts';
import type { Backend } from '../../src/nbd/index.ts';
import { openWritable } from '../../src/open-writable.ts';
import { blockloom, output } from '../helpers/cli.ts';
import { treeDifferences } from '../helpers/exported.ts';
import { mountImage, unmount } from '../helpers/mount.ts';
import { describeMounted } from '../helpers/read-tree.ts';
import { scratch, sharedScratch } from '../helpers/scratch.ts';
import { makeTar, type TarEntry } from '../helpers/tar-writer.ts';
import { e2fsck, requireTools, run } from '../helpers/tools.ts';

const hasTools = requireTools('mount', 'debugfs', 'getfattr', 'setfattr', 'mke2fs', 'tar', 'root');
const hasContainerTools = requireTools('umoci', 'mount', 'getfattr', 'root');

/** A lower layer with something of everything. */
const BASE: readonly TarEntry[] = [
  { name: './', mode: 0o755, mtime: '1600000000.5' },
  { name: 'bin/', mode: 0o2775, gid: 7 },
  { name: 'bin/tool', mode: 0o4755, data: 'x'.repeat(10_000), xattrs: { 'user.a': 'b\0c\n=' } },
  { name: 'bin/same', type: 'hardlink', linkName: 'bin/tool' },
  { name: 'bin/other', type: 'hardlink', linkName: 'bin/tool' },
  { name: 'dir/', xattrs: { 'user.empty': '' } },
  ...['one', 'two', 'three'].map((name) => ({ name: `dir/${name}`, data: name, mtime: '1500000000.123456789' })),
  { name: 'deep/a/b/c/', mode: 0o700 },
  { name: 'deep/a/b/c/file', data: 'deep' },
  { name: 'gone/x', data: 'x' },
  { name: 'gone/y', data: 'y' },
  { name: 'link', type: 'symlink', linkName: 'bin', mode: 0o777 },
  { name: 'long', type: 'symlink', linkName: 'n'.repeat(300), mode: 0o777 },
  { name: 'null', type: 'character', deviceMajor: 1, deviceMinor: 3 },
  { name: 'disk', type: 'block', deviceMajor: 259, deviceMinor: 70_000 },
  { name: 'pipe', type: 'fifo' },
  { name: 'f\xff\xfe\n', data: 'no text', uid: 3_000_000_000, gid: 2 ** 21 },
  { name: 'stra\xc3\x9fe', data: 'utf-8' },
  { name: `${'p'.repeat(120)}/${'n'.repeat(200)}`, data: 'long' },
  {
    name: 'holes',
    sparse: { form: '1.0', size: 9_000_000, segments: [{ offset: 1 << 20, length: 5000 }] },
    data: 'y'.repeat(5000),
  },
  { name: 'swap', data: 'file' },
  { name: 'swapped/', mode: 0o755 },
  { name: 'swapped/inside', data: 'inside' },
];

/** What a guest does to it. */
const GUEST = `
echo new > dir/four; echo changed >> dir/one; touch -d @1234567890.5 dir/two; rm dir/three
chmod 0700 bin; chown 5:6 deep; setfattr -n user.b -v 1 dir; setfattr -x user.empty dir
ln bin/tool bin/again; rm bin/other
cp -a dir/two dir/copy; mv deep/a/b/c/file deep/file
rm -r gone; mkdir gone; echo z > gone/z
rm swap; mkdir swap; echo in > swap/in; rm -r swapped; ln -s bin swapped
rm link; echo plain > link; rm pipe null; mknod pipe c 1 5
truncate -s 8000000 holes; printf x | dd of=holes bs=1 seek=100 conv=notrunc status=none
mkdir -p fresh/tree; for i in $(seq 300); do echo $i > fresh/tree/$i; done
`;

/** The lines of `describeMounted` without inode numbers. */
const described = (directory: string): string[] =>
  describeMounted(directory).map((line) => line.replace(/^(.*?) \d+ /s, '$1 '));

describe.skipIf(!hasTools)('an export', () => {
  it('is read by GNU tar as the kernel shows the image', () => {
    const cwd = scratch();
    writeFileSync(join(cwd, 'base.tar'), makeTar(BASE));
    output(['build', 'base.tar', '-o', 'disk.img', '--mtime', 'keep'], { cwd });
    output(['export', 'disk.img', '-o', 'out.tar'], { cwd });
    run('truncate', ['-s', '64M', 'target.img'], { cwd });
    run('mke2fs', ['-q', '-F', '-t', 'ext4', 'target.img'], { cwd });
    const target = mountImage(join(cwd, 'target.img'), 'rw');
    const options = ['--xattrs', '--xattrs-include=*', '--numeric-owner', '--delay-directory-restore'];
    run('tar', ['-xpf', join(cwd, 'out.tar'), '-C', target, ...options]);
    expect(described(target)).toEqual(described(mountImage(join(cwd, 'disk.img'))));
  });

  it('built again is the same image', () => {
    const cwd = scratch();
    writeFileSync(join(cwd, 'base.tar'), makeTar(BASE));
    for (const options of [
      ['--mtime', 'keep'],
      ['--placement', 'compact'],
      ['--block-size', '1024', '--free', '10%'],
    ]) {
      const made = output(['hash', 'base.tar', ...options], { cwd });
      output(['export', 'base.tar', ...options, '-o', 'out.tar', '--force'], { cwd });
      expect(output(['hash', 'out.tar', ...options], { cwd })).toBe(made);
    }
  });
});

describe.skipIf(!hasTools)('what a tar cannot hold', () => {
  const cwd = sharedScratch();

  beforeAll(() => {
    if (!hasTools) return;
    writeFileSync(
      join(cwd, 'base.tar'),
      makeTar([
        { name: 'a', data: 'a' },
        { name: 'b', type: 'hardlink', linkName: 'a' },
      ]),
    );
    output(['build', 'base.tar', '-o', 'base.img', '--free', '1M'], { cwd });
    writeFileSync(join(cwd, 'disk.img'), readFileSync(join(cwd, 'base.img')));
    run('debugfs', ['-w', '-R', 'write /dev/null .wh.x', 'disk.img'], { cwd });
    run('debugfs', ['-w', '-R', 'sif /a mode 0140644', 'disk.img'], { cwd });
  });

  it('is left out of it with a warning: sockets, and what would be a whiteout is told', () => {
    const { status, stderr } = blockloom(['export', 'disk.img', '-o', 'out.tar'], { cwd });
    expect(status).toBe(0);
    expect(stderr.trim().split('\n')).toEqual([
      'blockloom: warning: a: a socket, which a tar cannot hold, is left out',
      'blockloom: warning: .wh.x: its name means a whiteout where the tar is read as a layer',
    ]);
    expect(run('tar', ['-tf', 'out.tar'], { cwd }).toString()).toBe('./\n.wh.x\n');
  });

  it('is refused in a layer: names of whiteouts', () => {
    const message = 'its name begins with .wh.\n';
    for (const [image, base, what] of [
      ['disk.img', 'base.img', 'be in a layer'],
      ['base.img', 'disk.img', 'be removed by a layer'],
    ] as const) {
      expect(blockloom(['export', image, '--relative-to', base, '-o', 'layer.tar', '-q'], { cwd })).toEqual({
        status: 3,
        stdout: '',
        stderr: `blockloom: .wh.x cannot ${what}: ${message}`,
      });
    }
    expect(existsSync(join(cwd, 'layer.tar'))).toBe(false);
  });
});

describe.skipIf(!hasTools)('what a guest changed', () => {
  it('is a layer that gives its tree on the base, from an image and from a delta', async () => {
    const cwd = scratch();
    const at = (name: string): string => join(cwd, name);
    const options = ['--mtime', 'keep', '--free', '16M'];
    writeFileSync(at('base.tar'), makeTar(BASE));
    output(['build', 'base.tar', '-o', 'base.img', ...options], { cwd });
    copyFileSync(at('base.img'), at('changed.img'));
    const mounted = mountImage(at('changed.img'), 'rw');
    run('sh', ['-e', '-c', GUEST], { cwd: mounted });
    unmount(mounted);
    e2fsck(at('changed.img'));

    output(['export', 'changed.img', '--relative-to', 'base.img', '-o', 'top.tar'], { cwd });
    output(['build', 'base.tar', 'top.tar', '-o', 'stack.img', ...options], { cwd });
    const [stack, changed] = [openImageFile(at('stack.img')), openImageFile(at('changed.img'))];
    expect(treeDifferences(changed, stack)).toEqual([]);
    expect(described(mountImage(at('stack.img')))).toEqual(described(mountImage(at('changed.img'))));
    const names = run('tar', ['-tf', 'top.tar'], { cwd }).toString().split('\n');
    expect(names.filter((name) => name.includes('.wh.')).toSorted()).toEqual(
      ['.wh.null', 'bin/.wh.other', 'deep/a/b/c/.wh.file', 'dir/.wh.three', 'gone/.wh..wh..opq'].toSorted(),
    );
    expect(names.filter((name) => name.startsWith('deep/'))).toContain('deep/file');
    expect(names).not.toContain('deep/a/');

    await writeDelta(at('base.tar'), at('changed.img'), at('work.delta'));
    const arguments_ = ['--delta', 'work.delta', ...options];
    output(['export', 'base.tar', '--relative-to', 'base.tar', ...arguments_, '-o', 'delta.tar'], { cwd });
    expect(Buffer.compare(readFileSync(at('delta.tar')), readFileSync(at('top.tar')))).toBe(0);
    expect(blockloom(['diff', 'base.tar', ...arguments_], { cwd }).status).toBe(4);
    expect(blockloom(['diff', 'changed.img', 'base.tar', ...arguments_], { cwd }).status).toBe(0);
    for (const image of [stack, changed]) image.close();
  });

  it.skipIf(!hasContainerTools)('is unpacked by umoci as the kernel shows it', () => {
    const cwd = scratch();
    const at = (name: string): string => join(cwd, name);
    // The directory that umoci unpacks into cannot have everything.
    const base = BASE.map((entry) => ({ ...entry, xattrs: {} })).filter(({ name }) => !name.includes('\xff'));
    writeFileSync(at('base.tar'), makeTar(base));
    output(['build', 'base.tar', '-o', 'changed.img', '--mtime', 'keep', '--free', '16M'], { cwd });
    const mounted = mountImage(at('changed.img'), 'rw');
    const commands = GUEST.split('\n').map((line) => line.replace(/setfattr.*/, ''));
    run('sh', ['-e', '-c', commands.join('\n')], { cwd: mounted });
    output(['export', 'base.tar', '--mtime', 'keep', '-o', 'full.tar'], { cwd });
    unmount(mounted);
    output(['export', 'changed.img', '--relative-to', 'base.tar', '--mtime', 'keep', '-o', 'top.tar'], { cwd });
    run('umoci', ['init', '--layout', at('made')]);
    run('umoci', ['new', '--image', `${at('made')}:app`]);
    for (const tar of ['full.tar', 'top.tar'])
      run('umoci', ['raw', 'add-layer', '--image', `${at('made')}:app`, at(tar)]);
    run('umoci', ['raw', 'unpack', '--image', `${at('made')}:app`, at('bundle')]);
    expect(described(at('bundle'))).toEqual(described(mountImage(at('changed.img'))));
  });
});

/** Writes what `changed` has other than the image of `layer` to a delta over it, as a guest of serve would. */
async function writeDelta(layer: string, changed: string, path: string): Promise<void> {
  const image = await openImage({ layers: [layer], mtime: 'keep', free: 16 << 20, cache: false });
  const backend = (await openWritable(image, { delta: path })) as Backend;
  const bytes = readFileSync(changed);
  const before = Buffer.alloc(4096);
  for (let offset = 0; offset < bytes.length; offset += 4096) {
    image.read(offset, before);
    const now = bytes.subarray(offset, offset + 4096);
    if (!now.equals(before)) await backend.write!(offset, now);
  }
  await backend.flush?.();
  await backend.close?.();
  image.close();
}
