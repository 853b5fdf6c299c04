import { rm, stat, writeFile } from 'node:fs/promises';
import { ImageError } from '../core/errors.ts';
import type { Bridge } from '../core/launch/bridges.ts';
import type { Guard } from '../process/guard.ts';
import { endText, Program } from './program.ts';
import { isMounted, unmount } from './unmount.ts';

/** How long a bridge may take to make its disk, and how often it is looked for, in milliseconds. */
const PATIENCE = 30_000;
const INTERVAL = 20;

/** A bridge whose disk is there. */
export interface RunningBridge {
  /** Rejects with `bridge-failed` when it ends before it is stopped; never resolves. */
  readonly failure: Promise<never>;
  /** Ends it, and leaves nothing of it behind: no process, mount, socket or file. */
  stop(): Promise<void>;
}

/** Starts a bridge and waits for its disk; a guard ends it when this process is killed. Throws `tool-missing`, `bridge-failed` and `output-exists`, and what the system says of other paths. */
export async function startBridge(bridge: Bridge, guard?: Guard): Promise<RunningBridge> {
  const { path, ready } = bridge;
  if (ready === 'exit') return startDevice(bridge, guard);
  if (ready === 'mount') await makeMountPoint(path);
  const forgetPlace = ready === 'mount' ? guard?.rememberMount(path) : guard?.remember(['rm', '-f', path]);
  let program: Program | undefined;
  let isStopping = false;
  const stop = async (): Promise<void> => {
    isStopping = true;
    await program?.stop();
    if (ready === 'mount' && (await isMounted(path))) await unmount(path);
    await rm(path, { force: true });
    forgetPlace?.();
  };
  try {
    program = await Program.start(bridge.argv, 'background', guard);
    await waitUntil(ready === 'mount' ? async () => isMounted(path) : async () => isSocket(path), program);
  } catch (error) {
    await stop();
    throw error;
  }
  const { name, ended } = program;
  const failure = ended.then(async (end): Promise<never> => {
    if (isStopping) return new Promise(() => {});
    throw new ImageError('bridge-failed', `${name} ended ${endText(end)} while its disk was in use`);
  });
  // Who waits for nothing else is told by `stop`.
  failure.catch(() => {});
  return { failure, stop };
}

/** A device of the kernel: the program ends, and the device stays. */
async function startDevice({ argv, path, stop: stopArgv = [] }: Bridge, guard?: Guard): Promise<RunningBridge> {
  const size = await stat(path).catch(() => undefined);
  if (size?.isBlockDevice() !== true)
    throw new ImageError('bridge-failed', `${path} is no block device: modprobe nbd makes those of Linux`);
  await runToEnd(argv);
  const forget = stopArgv.length === 0 ? undefined : guard?.remember(stopArgv);
  const stop = async (): Promise<void> => {
    await runToEnd(stopArgv);
    forget?.();
  };
  return { failure: new Promise(() => {}), stop };
}

async function runToEnd(argv: readonly string[]): Promise<void> {
  if (argv.length === 0) return;
  const program = await Program.start(argv, 'background');
  const end = await program.ended;
  if (end.code !== 0) throw new ImageError('bridge-failed', `${program.name} ended ${endText(end)}`);
}

async function makeMountPoint(path: string): Promise<void> {
  await writeFile(path, '', { flag: 'wx', mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new ImageError('output-exists', `${path} exists`);
    throw error;
  });
}

async function waitUntil(isReady: () => Promise<boolean>, program: Program): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!(await isReady())) {
    if (program.hasEnded)
      throw new ImageError('bridge-failed', `${program.name} ended ${endText(await program.ended)} without a disk`);
    if (performance.now() > end)
      throw new ImageError('bridge-failed', `${program.name} made no disk in ${PATIENCE / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, INTERVAL));
  }
}

async function isSocket(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isSocket() === true;
}
