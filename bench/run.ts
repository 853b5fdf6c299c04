import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** One run of a program. */
export interface Run {
  readonly milliseconds: number;
  /** Processor time of the program and its threads, in user and kernel mode. */
  readonly userMilliseconds?: number;
  readonly systemMilliseconds?: number;
  /** The largest resident set, in bytes. */
  readonly residentBytes?: number;
  /** What the output takes on its disk, in bytes. */
  readonly allocatedBytes?: number;
  readonly stdout: string;
}

const TIME = '/usr/bin/time';
/** GNU time tells the largest resident set and the processor time; without it the wall time is all there is. */
export const hasTime = existsSync(TIME);

/** Runs a program to its end, which must be a success. `output` is the file that it makes. */
export function run(folder: string, command: readonly string[], output?: string): Run {
  const report = join(folder, 'time.txt');
  const [program = '', ...args] = hasTime ? [TIME, '-o', report, '-f', '%M %U %S', ...command] : command;
  const start = performance.now();
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  const milliseconds = performance.now() - start;
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command.join(' ')} failed: ${stderr}`);
  const allocatedBytes = output === undefined ? undefined : statSync(output).blocks * 512;
  const result = { milliseconds, stdout, ...(allocatedBytes === undefined ? {} : { allocatedBytes }) };
  return hasTime ? { ...result, ...resources(report) } : result;
}

function resources(report: string): Pick<Run, 'residentBytes' | 'userMilliseconds' | 'systemMilliseconds'> {
  const [kibibytes = 0, user = 0, system = 0] = readFileSync(report, 'utf8').trim().split(' ').map(Number);
  rmSync(report);
  return { residentBytes: kibibytes * 1024, userMilliseconds: user * 1000, systemMilliseconds: system * 1000 };
}

/** Whether a program is there. */
export function has(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}
