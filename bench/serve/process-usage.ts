import { readdirSync, readFileSync } from 'node:fs';

/** What a process, its threads and its children take at a moment. */
export interface Usage {
  /** User and kernel mode, since the start; of threads that have ended too. */
  readonly processorSeconds: number;
  readonly residentBytes: number;
  /** Open file descriptors. */
  readonly descriptors: number;
}

/** USER_HZ of every Linux that Node.js runs on. */
const TICKS_A_SECOND = 100;

/** Reads /proc; throws when the process has gone. */
export function usage(pid: number): Usage {
  const all = processTree(pid).map(usageOfOne);
  const sum = (key: keyof Usage): number => all.reduce((total, one) => total + one[key], 0);
  return {
    processorSeconds: sum('processorSeconds'),
    residentBytes: sum('residentBytes'),
    descriptors: sum('descriptors'),
  };
}

function processTree(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(processTree)];
}

/** proc(5): the name of the program, in parentheses, may hold spaces; `utime` and `stime` are fields 14 and 15. */
function usageOfOne(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return {
    processorSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND,
    residentBytes: Number(resident?.[1]) * 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** How often resident memory is looked at while something runs, in milliseconds. */
const SAMPLE_INTERVAL = 100;

/** Waits for work of a process's clients and tells what the process took for it. */
export async function during<T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly processorSeconds: number; readonly residentBytes: number }> {
  const before = usage(pid);
  let residentBytes = before.residentBytes;
  const sample = (): void => {
    residentBytes = Math.max(residentBytes, usage(pid).residentBytes);
  };
  const timer = setInterval(sample, SAMPLE_INTERVAL);
  try {
    const result = await work();
    sample();
    return { result, processorSeconds: usage(pid).processorSeconds - before.processorSeconds, residentBytes };
  } finally {
    clearInterval(timer);
  }
}
