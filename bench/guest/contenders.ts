import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type QemuDisk, qemuOption } from '../../src/core/launch/qemu.ts';
import type { Input } from '../input.ts';
import { blockloom } from '../subjects.ts';
import { run } from '../run.ts';
import { startServer } from '../serve/server.ts';

/** A way in which a guest has the same tree of files. */
export interface Contender {
  readonly name: string;
  /** The modules that it needs besides those of PCI. */
  readonly modules: readonly string[];
  /** What the guest mounts at /mnt. */
  readonly mount: string;
  /** Makes what it needs; returns QEMU's arguments, and what ends it. */
  readonly start: (folder: string, input: Input) => Promise<Started>;
}

interface Started {
  readonly disks: readonly QemuDisk[];
  /** For what is no disk. */
  readonly args?: readonly string[];
  readonly stop: () => Promise<void>;
}

const nothing = async (): Promise<void> => Promise.resolve();
const DISK = { modules: ['virtio_blk', 'crc32c_generic', 'ext4'], mount: 'mount -t ext4 -o ro /dev/vda /mnt' } as const;

/** The longest that a bridge may take to be there, in milliseconds. */
const BRIDGE_LIMIT = 10_000;

async function serve(folder: string, input: Input): Promise<{ socket: string; stop: () => Promise<void> }> {
  return startServer(folder, 'guest', (socket) => [...blockloom, 'serve', input.tar, '--socket', socket]);
}

async function bridge(folder: string, served: string): Promise<{ socket: string; stop: () => Promise<void> }> {
  const socket = join(folder, 'vhost.sock');
  rmSync(socket, { force: true });
  const node = qemuOption('', {
    driver: 'nbd',
    'node-name': 'n',
    'server.type': 'unix',
    'server.path': served,
    'read-only': 'on',
  });
  const offer = {
    type: 'vhost-user-blk',
    id: 'v',
    'node-name': 'n',
    'addr.type': 'unix',
    'addr.path': socket,
    writable: 'off',
  };
  const daemon = spawn('qemu-storage-daemon', ['--blockdev', node, '--export', qemuOption('', offer)], {
    stdio: 'inherit',
  });
  const kill = (): void => void daemon.kill('SIGKILL');
  process.once('exit', kill);
  const end = performance.now() + BRIDGE_LIMIT;
  while (!existsSync(socket)) {
    if (performance.now() > end) throw new Error('qemu-storage-daemon does not answer');
    await sleep(10);
  }
  const stop = async (): Promise<void> => {
    process.off('exit', kill);
    daemon.kill();
    if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'close');
  };
  return { socket, stop };
}

function ninePfs(msize: number): Contender {
  return {
    name: `9p, msize ${msize / 1024} KiB`,
    modules: ['9pnet_virtio', '9p'],
    mount: `mount -t 9p -o trans=virtio,version=9p2000.L,msize=${msize},ro share /mnt`,
    start: async (_, { directory }) =>
      Promise.resolve({
        disks: [],
        args: [
          '-fsdev',
          qemuOption('local', { id: 'share', path: directory, security_model: 'none', readonly: 'on' }),
          '-device',
          'virtio-9p-pci,fsdev=share,mount_tag=share',
        ],
        stop: nothing,
      }),
  };
}

/** All of them, the file that was written first. */
export const CONTENDERS: readonly Contender[] = [
  {
    name: 'raw file',
    ...DISK,
    start: async (folder, input) => {
      const path = join(folder, 'guest.img');
      run(folder, [...blockloom, 'build', input.tar, '--force', '-o', path]);
      return Promise.resolve({ disks: [{ source: { kind: 'file', path }, readOnly: true }], stop: nothing });
    },
  },
  {
    name: 'blockloom serve, NBD',
    ...DISK,
    start: async (folder, input) => {
      const { socket, stop } = await serve(folder, input);
      return { disks: [{ source: { kind: 'nbd', socket, exportName: '' }, readOnly: true }], stop };
    },
  },
  {
    name: 'the same over vhost-user-blk',
    ...DISK,
    start: async (folder, input) => {
      const served = await serve(folder, input);
      const bridged = await bridge(folder, served.socket);
      const stop = async (): Promise<void> => {
        await bridged.stop();
        await served.stop();
      };
      return { disks: [{ source: { kind: 'vhost-user', socket: bridged.socket }, readOnly: true }], stop };
    },
  },
  ninePfs(8 * 1024),
  ninePfs(512 * 1024),
];
