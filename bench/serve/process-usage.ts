import { readdirSync, readFileSync } from 'node:fs';

/** What a process, its threads and its children take at a moment. */
export interface Usage {
  /** User and kernel mode, since the start; of threads that have ended too. */
  readonly processorSeconds: number;
  /** Resident memory; what is mapped from files, mostly the program, is that of the process with the most of it. */
  readonly residentBytes: number;
  /** Open file descriptors. */
  readonly descriptors: number;
}

/** USER_HZ of every Linux that Node.js runs on. */
const TICKS_A_SECOND = 100;

/** Reads /proc; throws when the process has gone. */
export function usage(pid: number): Usage {
  const [, ...children] = processTree(pid);
  const all = [usageOfOne(pid), ...children.flatMap(usageUnlessGone)];
  const sum = (key: keyof ProcessUsage): number => all.reduce((total, one) => total + one[key], 0);
  return {
    processorSeconds: sum('processorSeconds'),
    residentBytes: sum('ownBytes') + Math.max(...all.map(({ fileBytes }) => fileBytes)),
    descriptors: sum('descriptors'),
  };
}

interface ProcessUsage {
  readonly processorSeconds: number;
  /** Resident memory that is mapped from files, and the rest. */
  readonly fileBytes: number;
  readonly ownBytes: number;
  readonly descriptors: number;
}

function usageUnlessGone(pid: number): ProcessUsage[] {
  try {
    return [usageOfOne(pid)];
  } catch {
    return [];
  }
}

function processTree(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) => childrenOf(pid, thread));
  return [pid, ...children.flatMap(processTree)];
}

/** The processes that a thread started; none when it has ended. */
function childrenOf(pid: number, thread: string): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8');
    return children.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** proc(5): the name of the program, in parentheses, may hold spaces; `utime` and `stime` are fields 14 and 15. */
function usageOfOne(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
  return {
    processorSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND,
    fileBytes: bytes('RssFile'),
    ownBytes: bytes('RssAnon') + bytes('RssShmem'),
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
