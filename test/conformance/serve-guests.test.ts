import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { output } from '../helpers/cli.ts';
import { canStartGuests, Guest } from '../helpers/guest.ts';
import { eventually } from '../helpers/nbd-socket.ts';
import { random } from '../helpers/random.ts';
import { scratch } from '../helpers/scratch.ts';
import { startServe } from '../helpers/served.ts';
import { makeTar } from '../helpers/tar-writer.ts';
import { e2fsck, requireTools, run } from '../helpers/tools.ts';

/** Files of all sizes that matter to reading ahead, by name. */
const FILES: ReadonlyMap<string, Buffer> = new Map(
  [0, 1, 4096, 70_000, 3 << 20].map((size, i) => {
    const below = random(size + 1);
    return [`data/${i}`, Buffer.from(Uint8Array.from({ length: size }, () => below(256)))];
  }),
);

const areGuestsPossible = canStartGuests();

const SUMS = [...FILES].map(([name, data]) => `${createHash('sha256').update(data).digest('hex')}  ${name}\n`).join('');

/** A folder with one layer, and the path for a socket in it. */
function prepared(): { folder: string; layer: string; socket: string } {
  const folder = scratch();
  const entries = [...FILES].map(([name, data]) => ({ name, data }));
  writeFileSync(join(folder, 'layer.tar'), makeTar([{ name: 'data/' }, ...entries]));
  return { folder, layer: 'layer.tar', socket: join(folder, 'disk.sock') };
}

/** The guest's disk is the export at a socket; QEMU waits for a server that has gone to come back. */
function diskOf(socket: string, mode: 'on' | 'off'): string[] {
  const node = `driver=nbd,node-name=disk,server.type=unix,server.path=${socket},read-only=${mode},reconnect-delay=100`;
  return ['-blockdev', node, '-device', 'virtio-blk-pci,drive=disk'];
}

describe.skipIf(!areGuestsPossible)('a guest', () => {
  it('mounts a live image read-only and reads what is in the layers', async () => {
    const { folder, layer, socket } = prepared();
    const { uri } = await startServe([layer, '--socket', socket], folder);
    const disk = ['-drive', `file=${uri},format=raw,if=virtio,readonly=on`];
    const guest = new Guest(disk, 'mount -t ext4 -o ro /dev/vda /mnt; cd /mnt; sha256sum data/*');
    expect(await guest.output()).toBe(SUMS);
  });

  it("has the disk as vhost-user-blk of QEMU's storage daemon", async () => {
    const { folder, layer, socket } = prepared();
    await startServe([layer, '--socket', socket], folder);
    const vhost = join(folder, 'vhost.sock');
    const node = `driver=nbd,node-name=disk,server.type=unix,server.path=${socket},read-only=on`;
    const offer = `type=vhost-user-blk,id=vhost,node-name=disk,addr.type=unix,addr.path=${vhost},writable=off`;
    const daemon = spawn('qemu-storage-daemon', ['--blockdev', node, '--export', offer], { stdio: 'inherit' });
    onTestFinished(() => void daemon.kill('SIGKILL'));
    await eventually(() => existsSync(vhost));
    const memory = [
      '-object',
      'memory-backend-memfd,id=memory,size=256M,share=on',
      '-machine',
      'memory-backend=memory',
    ];
    const disk = ['-chardev', `socket,id=vhost,path=${vhost}`, '-device', 'vhost-user-blk-pci,chardev=vhost'];
    const guest = new Guest([...memory, ...disk], 'mount -t ext4 -o ro /dev/vda /mnt; cd /mnt; sha256sum data/*');
    expect(await guest.output()).toBe(SUMS);
  });

  it('goes on reading when the server is killed and started again', async () => {
    const { folder, layer, socket } = prepared();
    const first = await startServe([layer, '--socket', socket], folder);
    const script = `mount -t ext4 -o ro /dev/vda /mnt; cd /mnt
(read line </dev/console; touch /stop) &
round=0
while [ ! -e /stop ]; do
  echo 3 >/proc/sys/vm/drop_caches
  sha256sum data/* >/sums
  round=$((round + 1)); echo "round $round"
done
cat /sums`;
    const guest = new Guest(diskOf(socket, 'on'), script);
    await guest.says(/round 2\n/);
    first.process.kill('SIGKILL');
    await first.ended;
    const second = await startServe([layer, '--socket', socket], folder);
    const rounds = Number((await guest.says(/.*round (\d+)\n/s))[1]);
    await guest.says(new RegExp(`round ${rounds + 2}\n`));
    guest.tell('stop');
    expect((await guest.output()).replace(/^round \d+\n/gm, '')).toBe(SUMS);
    expect(second.log).toEqual([]);
  });
});

describe.skipIf(!areGuestsPossible || !requireTools('e2fsck', 'debugfs'))('a guest that writes', () => {
  it('finds what it wrote at the next start, and so does whoever gets the committed image', async () => {
    const { folder, layer, socket } = prepared();
    const image = [layer, '--free', '16M', '--delta', 'delta'];
    const sums = 'find . -xdev -type f | sort | xargs sha256sum';
    const write = `mount -t ext4 /dev/vda /mnt; cd /mnt
head -c 500000 /dev/urandom >new; mkdir folder; mv data/4 folder/moved; rm data/3; echo more >>data/2
${sums}; cd /; umount /mnt`;
    const first = await startServe([...image, '--writable', '--socket', socket], folder);
    const written = await new Guest(diskOf(socket, 'off'), write).output();
    expect(written).toContain('./folder/moved');
    first.process.kill('SIGTERM');
    expect(await first.ended).toBe(0);

    const second = await startServe([...image, '--writable', '--socket', socket], folder);
    const guest = new Guest(diskOf(socket, 'on'), `mount -t ext4 -o ro /dev/vda /mnt; cd /mnt; ${sums}`);
    expect(await guest.output()).toBe(written);
    second.process.kill('SIGTERM');
    expect(await second.ended).toBe(0);

    output(['commit', ...image, '-o', 'new.img'], { cwd: folder });
    const committed = join(folder, 'new.img');
    e2fsck(committed);
    for (const [, digest, name] of written.matchAll(/^([0-9a-f]{64}) {2}\.\/(.*)$/gm)) {
      const data = run('debugfs', ['-R', `cat ${name}`, committed]);
      expect([name, createHash('sha256').update(data).digest('hex')]).toEqual([name, digest]);
    }
  });

  it('loses nothing that it flushed when the server is killed and started again', async () => {
    const { folder, layer, socket } = prepared();
    const image = [layer, '--free', '16M', '--delta', 'delta'];
    const script = `mount -t ext4 /dev/vda /mnt; cd /mnt
(read line </dev/console; touch /stop) &
round=0
while [ ! -e /stop ]; do
  round=$((round + 1)); yes "round $round" | head -c 1000000 >/expected
  cp /expected kept; sync; echo 3 >/proc/sys/vm/drop_caches
  cmp /expected kept; echo "round $round"
done
cd /; umount /mnt`;
    let server = await startServe([...image, '--writable', '--socket', socket], folder);
    const guest = new Guest(diskOf(socket, 'off'), script);
    await guest.says(/round 2\n/);
    server.process.kill('SIGKILL');
    await server.ended;
    server = await startServe([...image, '--writable', '--socket', socket], folder);
    const rounds = Number((await guest.says(/.*round (\d+)\n/s))[1]);
    await guest.says(new RegExp(`round ${rounds + 2}\n`));
    guest.tell('stop');
    await guest.output();
    server.process.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    output(['commit', ...image, '-o', 'new.img'], { cwd: folder });
    e2fsck(join(folder, 'new.img'));
  });
});
