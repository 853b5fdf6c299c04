import { qemuOption } from './qemu.ts';

/** Our server, as a bridge is its client. */
export interface Served {
  readonly socket: string;
  readonly exportName: string;
  readonly uri: string;
}

/** A program that makes a disk of what is served, and what tells that the disk is there. */
export interface Bridge {
  readonly argv: readonly string[];
  /** `mount`: a file system on the file at `path`; `socket`: one at `path`; `exit`: the program ends, and the disk stays. */
  readonly ready: 'mount' | 'socket' | 'exit';
  readonly path: string;
  /** What ends it where ending the program does not. */
  readonly stop?: readonly string[];
}

export const FUSE_BRIDGES = ['qemu-storage-daemon', 'nbdfuse'] as const;
/** What can make a file of what is served, by FUSE. */
export type FuseBridge = (typeof FUSE_BRIDGES)[number];

/** A file that is read from our server; `path` is an empty file that is there. qemu-storage-daemon(1), nbdfuse(1) */
export function fuseBridge(program: FuseBridge, served: Served, path: string, readOnly: boolean): Bridge {
  const offer = { type: 'fuse', id: 'fuse', 'node-name': NODE, mountpoint: path, writable: readOnly ? 'off' : 'on' };
  const argv =
    program === 'nbdfuse'
      ? ['nbdfuse', ...(readOnly ? ['--readonly'] : []), path, served.uri]
      : storageDaemon(served, readOnly, offer);
  return { argv, ready: 'mount', path };
}

/** A vhost-user-blk device at a socket. qemu-storage-daemon(1) */
export function vhostUserBridge(served: Served, path: string, readOnly: boolean): Bridge {
  const offer = {
    type: 'vhost-user-blk',
    id: 'vhost-user',
    'node-name': NODE,
    'addr.type': 'unix',
    'addr.path': path,
    writable: readOnly ? 'off' : 'on',
    'num-queues': '1',
  };
  return { argv: storageDaemon(served, readOnly, offer), ready: 'socket', path };
}

/** A block device of the host's kernel; whether it is read-only the server says. nbd-client(8) */
export function nbdDeviceBridge({ socket, exportName }: Served, path: string): Bridge {
  return {
    argv: ['nbd-client', '-unix', socket, '-N', exportName, path, '-b', '4096'],
    ready: 'exit',
    path,
    stop: ['nbd-client', '-d', path],
  };
}

const NODE = 'disk';

function storageDaemon(
  { socket, exportName }: Served,
  readOnly: boolean,
  offer: Readonly<Record<string, string>>,
): string[] {
  const node = {
    driver: 'nbd',
    'node-name': NODE,
    'server.type': 'unix',
    'server.path': socket,
    export: exportName,
    'read-only': readOnly ? 'on' : 'off',
  };
  return ['qemu-storage-daemon', '--blockdev', qemuOption('', node), '--export', qemuOption('', offer)];
}
