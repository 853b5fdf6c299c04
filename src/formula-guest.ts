import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, type Writable } from 'node:stream';
import type { FormulaJob, FormulaMachine } from './formula-machine.ts';
import type { BootFileOptions } from './guest/boot-files.ts';
import type { MachineChoice, RunningGuest } from './guest/run-guest.ts';
import { openMergedImage } from './merged-image.ts';
import { openWritable } from './open-writable.ts';
import { runImage } from './run-image.ts';

/** The guest that a formula runs in. */
export interface FormulaGuest extends MachineChoice, BootFileOptions {
  /** More of the kernel's command line. */
  readonly append?: string | undefined;
  /** What it prints. */
  readonly output: Writable;
  /** What its kernel prints. */
  readonly onLog?: ((chunk: Uint8Array) => void) | undefined;
  /** Is told of the guest when it runs. */
  readonly onStart?: ((guest: RunningGuest) => void) | undefined;
}

/** A machine that is a guest of QEMU, which reads the disk over NBD and writes to a delta. Throws `guest-failed` and `tool-missing`. */
export function formulaGuest(guest: FormulaGuest): FormulaMachine {
  return async (job) => {
    const { image, argv, env, cwd, uid, gid, hostname, signal } = job;
    const { output, onLog } = guest;
    warnOfPolicy(job, guest.onWarning);
    const folder = mkdtempSync(join(tmpdir(), 'blockloom-formula-'));
    const remove = (): void => rmSync(folder, { recursive: true, force: true });
    const delta = join(folder, 'delta');
    try {
      const backend = await openWritable(image, { delta, signal });
      const variables = Array.from(env, ([name, value]) => `${name}=${value}`);
      const exitCode = await runImage(image, {
        ...guest,
        backend: await (typeof backend === 'function' ? backend() : backend),
        command: { command: argv, env: variables, workingDir: cwd, hostname },
        user: `${uid}:${gid}`,
        channel: 'pipes',
        isVerbose: onLog !== undefined,
        connections: { streams: { stdin: nothing(), stdout: output, stderr: output }, size: NO_TERMINAL, onLog },
      });
      const disk = await openMergedImage(image, delta, { signal });
      const close = (): void => {
        disk.close();
        remove();
      };
      return { exitCode, disk, close };
    } catch (error) {
      remove();
      throw error;
    }
  };
}

/** In the guest root has all capabilities, and others have none: busybox has nothing that would give or take some. */
function warnOfPolicy({ policy, uid }: FormulaJob, warn: (warning: string) => void): void {
  const isSo = policy === undefined || policy === (uid === 0 ? 'sysad' : 'routine');
  if (isSo) return;
  const has = uid === 0 ? 'root has all capabilities' : 'a user other than root has no capabilities';
  warn(`the policy ${policy} is not applied: ${has}`);
}

const NO_TERMINAL = { rows: 24, columns: 80 };

/** A stream that has ended. */
function nothing(): PassThrough {
  const stream = new PassThrough();
  stream.end();
  return stream;
}
