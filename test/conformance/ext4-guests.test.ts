import { spawnSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { output } from '../helpers/cli.ts';
import { canStartGuests, Guest } from '../helpers/guest.ts';
import { mountImage } from '../helpers/mount.ts';
import { programFiles } from '../helpers/program.ts';
import { scratch } from '../helpers/scratch.ts';
import { startServe } from '../helpers/served.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { e2fsck, requireTools, run } from '../helpers/tools.ts';

const isReady = requireTools('resize2fs', 'e2fsck', 'mount', 'root') && canStartGuests();

/** A folder with a layer that has resize2fs and some files. */
function prepared(): { folder: string; socket: string } {
  const folder = scratch();
  const files = Array.from({ length: 200 }, (_, i) => ({ name: `data/${i}`, data: `${i}`.repeat(3000) }));
  const entries = [...programFiles('/sbin/resize2fs'), { name: 'dev/' }, { name: 'proc/' }, ...files];
  writeFileSync(join(folder, 'layer.tar'), makeTar(entries));
  return { folder, socket: join(folder, 'disk.sock') };
}

const diskOf = (uri: string): string[] => ['-drive', `file=${uri},format=raw,if=virtio,cache=writeback,discard=unmap`];

describe.skipIf(!isReady)('a guest that writes to a served image with a journal', () => {
  it.each([
    ['', '4096'],
    ['--block-size 1K', '1024'],
  ])('grows its filesystem while it is mounted (%s)', async (more, blockSize) => {
    const { folder, socket } = prepared();
    const args = ['layer.tar', '--journal', '--device-size', '900M', ...more.split(' ').filter(Boolean)];
    const serve = await startServe([...args, '--delta', 'work.delta', '--socket', socket], folder);
    const guest = new Guest(
      diskOf(serve.uri),
      `mount -t ext4 /dev/vda /mnt
mount -t devtmpfs dev /mnt/dev; mount -t proc proc /mnt/proc
df -m /mnt | tail -n 1 | awk '{ print "before", ($2 > 600) }'
chroot /mnt /sbin/resize2fs /dev/vda >/dev/null 2>&1
df -m /mnt | tail -n 1 | awk '{ print "after", ($2 > 600) }'
dd if=/dev/urandom of=/mnt/large bs=1M count=200 2>/dev/null
cp /mnt/large /mnt/data/copy
rm /mnt/data/1*
sha256sum /mnt/large | cut -d' ' -f1
umount /mnt/dev /mnt/proc /mnt`,
    );
    const printed = await guest.output();
    expect(printed).toMatch(/before 0\nafter 1\n[\da-f]{64}\n/);
    serve.process.kill('SIGTERM');
    await serve.ended;
    output(['commit', ...args, '--delta', 'work.delta', '-o', 'new.img'], { cwd: folder });
    const path = join(folder, 'new.img');
    e2fsck(path);
    expect(run('dumpe2fs', ['-h', path]).toString()).toMatch(new RegExp(`Block size: +${blockSize}\n`));
    const sum = run('sha256sum', ['data/copy'], { cwd: mountImage(path) }).toString();
    expect(printed).toContain(sum.slice(0, 64));
  });

  it('is killed while it writes, and e2fsck repairs what it left from its journal', async () => {
    const { folder, socket } = prepared();
    const args = ['layer.tar', '--journal', '--free', '200M'];
    const serve = await startServe([...args, '--delta', 'work.delta', '--socket', socket], folder);
    const guest = new Guest(
      diskOf(serve.uri),
      `mount -t ext4 /dev/vda /mnt; cd /mnt
echo kept > first; sync; echo written
i=0; while :; do cp -r data copy-$i; rm -r copy-$((i - 2)) 2>/dev/null || :; i=$((i + 1)); echo round $i; done`,
    );
    await guest.says(/round 4\n/);
    guest.kill();
    serve.process.kill('SIGTERM');
    await serve.ended;
    output(['commit', ...args, '--delta', 'work.delta', '-o', 'dirty.img'], { cwd: folder });
    const [dirty, repaired] = ['dirty.img', 'repaired.img'].map((name) => join(folder, name)) as [string, string];
    copyFileSync(dirty, repaired);
    const { status, stdout } = spawnSync('e2fsck', ['-fy', repaired]);
    expect(stdout.toString()).toContain('recovering journal');
    expect(status).toBeLessThanOrEqual(1);
    e2fsck(repaired);
    const mounted = mountImage(repaired);
    expect(run('cat', ['first'], { cwd: mounted }).toString()).toBe('kept\n');
    expect(output(['cat', 'dirty.img', '/first'], { cwd: folder })).toBe('kept');
  });
});
