import { spawnSync } from 'node:child_process';
import { has } from '../run.ts';
import { blockloom } from '../subjects.ts';

/** A server that is measured: its name in tables, and its command line for a socket. */
export interface Contender {
  readonly name: string;
  readonly command: (socket: string) => readonly string[];
  /** It starts empty, and the image is copied into it. */
  readonly isEmpty?: boolean;
}

/** Ours and the peer that others are compared with. */
export const OURS = 'blockloom';
export const REFERENCE = 'nbdkit file';
export const WRITE_REFERENCE = 'nbdkit cow';

/** What is served: layers as blockloom takes them, and the image that was written of them. */
export interface Served {
  readonly tar: string;
  readonly image: string;
  readonly imageBytes: number;
  /** Of blockloom, where the layer's index is. */
  readonly cache: string;
}

/** Servers of the image, read-only. */
export function readers({ tar, image, imageBytes, cache }: Served): Contender[] {
  return installed([
    { name: OURS, command: (socket) => serve(tar, socket, cache) },
    { name: REFERENCE, command: (socket) => nbdkit(socket, '-r', 'file', image) },
    { name: 'nbdkit -t 1 file', command: (socket) => nbdkit(socket, '-t', '1', '-r', 'file', image) },
    { name: 'nbdkit memory', command: (socket) => nbdkit(socket, 'memory', String(imageBytes)), isEmpty: true },
    { name: 'qemu-nbd', command: (socket) => [...qemuNbd(socket), '--read-only', image] },
  ]);
}

/** Servers that take writes and forget them at their end. */
export function writers({ tar, image, imageBytes, cache }: Served): Contender[] {
  const ours = { name: OURS, command: (socket: string) => [...serve(tar, socket, cache), '--writable'] };
  if (!canWrite()) console.error('writes to blockloom: skipped, serve has no --writable');
  return installed([
    ...(canWrite() ? [ours] : []),
    { name: WRITE_REFERENCE, command: (socket) => nbdkit(socket, '--filter=cow', 'file', image) },
    // Its blocks are of 64 KiB unless told, which it copies whole when a part is written first.
    {
      name: 'nbdkit cow, 4 KiB',
      command: (socket) => nbdkit(socket, '--filter=cow', 'file', image, 'cow-block-size=4096'),
    },
    { name: 'nbdkit memory', command: (socket) => nbdkit(socket, 'memory', String(imageBytes)), isEmpty: true },
    { name: 'qemu-nbd --snapshot', command: (socket) => [...qemuNbd(socket), '--snapshot', image] },
  ]);
}

/** The command line of our server. */
export function serve(layer: string, socket: string, cache: string): string[] {
  return [...blockloom, 'serve', layer, '--socket', socket, '--cache', cache, '--quiet'];
}

/** A command line of nbdkit, in the foreground. */
export function nbdkit(socket: string, ...rest: readonly string[]): string[] {
  return ['nbdkit', '--foreground', '--unix', socket, ...rest];
}

/** A command line of qemu-nbd without its image. */
export function qemuNbd(socket: string): string[] {
  return ['qemu-nbd', '--persistent', '--shared=128', '--format=raw', `--socket=${socket}`];
}

/** Those whose programs are there. */
function installed(contenders: readonly Contender[]): Contender[] {
  return contenders.filter(({ name, command, isEmpty }) => {
    const [program = ''] = command('');
    const missing = [program, ...(isEmpty === true ? ['nbdcopy'] : [])].find((needed) => !has(needed));
    if (missing !== undefined) console.error(`${name}: skipped, ${missing} is not installed`);
    return missing === undefined;
  });
}

function canWrite(): boolean {
  const [program = '', ...args] = blockloom;
  return spawnSync(program, [...args, 'serve', '--help'], { encoding: 'utf8' }).stdout.includes('--writable');
}
