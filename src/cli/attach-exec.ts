import { mkdir, rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { startBridge } from '../bridge/bridge.ts';
import { Guard } from '../process/guard.ts';
import { type Ended, Program } from '../bridge/program.ts';
import { type AttachPlan, placeOf } from '../core/launch/attach.ts';
import type { Launch } from '../core/launch/launch.ts';
import { withProgress } from './common-options.ts';
import { ExitCode, SignalError } from './failure.ts';
import { type ImageArguments, withImage } from './image-arguments.ts';
import { writeOutput } from './output.ts';
import { closeExports, type ExportArguments, openExports } from './serve-exports.ts';
import { ServeLog } from './serve-log.ts';
import { newServer } from './serve-server.ts';
import { servedExports, type WritableArguments } from './serve-writable.ts';

interface ExecArguments extends ImageArguments, WritableArguments {}

/** What undoes what was done; the last first. */
type Undo = () => Promise<void>;

const ENDING_SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/**
 * Does what a plan says, until its VMM ends, whose exit status becomes ours; without one until a signal. However it ends, killed
 * too, nothing of it is left. Throws ImageError, or SignalError for a signal that ended a VMM.
 */
export async function execPlan(
  plan: AttachPlan,
  images: readonly ExportArguments[],
  options: ExecArguments,
  signal: AbortSignal,
): Promise<void> {
  const ending = new AbortController();
  // Who signals again gets no second end, which would leave behind what the first is about to remove.
  const listeners = ENDING_SIGNALS.map((name) => [name, () => ending.abort(new SignalError(name))] as const);
  for (const [name, listener] of listeners) process.on(name, listener);
  signal.addEventListener('abort', () => ending.abort(signal.reason));
  const undo: Undo[] = [];
  const guard = new Guard();
  try {
    await execute(plan, images, options, ending.signal, undo, guard);
  } finally {
    await undoAll(undo);
    guard.dismiss();
    for (const [name, listener] of listeners) process.off(name, listener);
  }
}

/** Each is tried, whatever the others did; what could not be undone is told beside what else is. */
async function undoAll(undo: readonly Undo[]): Promise<void> {
  for (const each of undo.toReversed()) {
    await each().catch((error: unknown) => {
      console.error(`blockloom: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode ||= ExitCode.failed;
    });
  }
}

async function execute(
  plan: AttachPlan,
  images: readonly ExportArguments[],
  options: ExecArguments,
  signal: AbortSignal,
  undo: Undo[],
  guard: Guard,
): Promise<void> {
  const { folder, disks, launch } = plan;
  guard.remember(['rm', '-rf', folder]);
  await mkdir(folder, { mode: 0o700 });
  undo.push(async () => rm(folder, { recursive: true, force: true }));
  await provideImages(plan, images, options, signal, undo);
  signal.throwIfAborted();
  const failures: Promise<never>[] = [new Promise(() => {})];
  for (const { bridge } of disks) {
    if (bridge === undefined) continue;
    const running = await startBridge(bridge, guard);
    undo.push(async () => running.stop());
    failures.push(running.failure);
  }
  const failure = Promise.race(failures);
  if (launch !== undefined) return runVmm(launch, failure, signal, undo, guard);
  const made = disks.map(({ name, disk }) => ({ name, ...disk }));
  console.log(options.json === true ? JSON.stringify({ folder, disks: made }) : made.map(placeOf).join('\n'));
  await Promise.race([aborted(signal), failure]);
}

/** Serves the images at the plan's socket, or writes them to their files. */
async function provideImages(
  { disks }: AttachPlan,
  images: readonly ExportArguments[],
  options: ExecArguments,
  signal: AbortSignal,
  undo: Undo[],
): Promise<void> {
  const [first] = disks;
  if (first?.image.kind === 'serve') return serve(first.image.served.socket, images, options, signal, undo);
  for (const [i, { image, disk }] of disks.entries()) {
    if (image.kind === 'ready' || !('path' in disk)) continue;
    await withImage(images[i]?.layers ?? [], options, signal, async (opened) => {
      await writeOutput(opened.image, disk.path, { signal, onProgress: opened.onProgress });
    });
  }
}

async function serve(
  socket: string,
  images: readonly ExportArguments[],
  options: ExecArguments,
  signal: AbortSignal,
  undo: Undo[],
): Promise<void> {
  const log = new ServeLog(undefined, options.quiet === true);
  await withProgress(options, async (progress) => {
    const opened = await openExports(images, options, signal, progress);
    undo.push(async () => closeExports(opened));
    const served = await servedExports(opened, options, { signal, onProgress: progress.show });
    const server = await newServer(
      served,
      { tls: 'off', structured: true, slow: 1 },
      {
        onBackendError: (error) => log.error(error),
        onConnectionError: (error) => log.connectionError(error),
        onConnection: () => {},
        onSlowRequest: (request) => log.slowRequest(request),
      },
    );
    undo.push(async () => server.close());
    await server.listenUnix(socket);
  });
}

async function runVmm(
  launch: Launch,
  failure: Promise<never>,
  signal: AbortSignal,
  undo: Undo[],
  guard: Guard,
): Promise<void> {
  for (const { path, text } of launch.files) await writeFile(path, text, { mode: 0o600 });
  signal.throwIfAborted();
  const vmm = await Program.start(launch.argv, 'foreground', guard);
  const reason = (): SignalError | undefined => (signal.reason instanceof SignalError ? signal.reason : undefined);
  undo.push(async () => vmm.stop(reason()?.signal));
  const end = await Promise.race([vmm.ended, failure, aborted(signal)]);
  if (end === undefined) throw signal.reason;
  process.exitCode = statusOf(end);
}

/** As shells have it. */
function statusOf({ code, signal }: Ended): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve);
  });
}
