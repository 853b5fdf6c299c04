import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { join, sep } from 'node:path';

/**
 * The files below `directory` that processes have open, as far as this user may see them; none where the system has no
 * /proc. A file that is opened after this is safe too: who has it open keeps it when its name is removed.
 */
export function openFilesBelow(directory: string): ReadonlySet<string> {
  const open = new Set<string>();
  const real = quietly(() => realpathSync(directory));
  if (real === undefined) return open;
  for (const pid of quietly(() => readdirSync('/proc')) ?? []) {
    if (!/^\d+$/.test(pid)) continue;
    const descriptors = join('/proc', pid, 'fd');
    for (const fd of quietly(() => readdirSync(descriptors)) ?? []) {
      const target = quietly(() => readlinkSync(join(descriptors, fd)));
      if (target?.startsWith(real + sep) === true) open.add(join(directory, target.slice(real.length)));
    }
  }
  return open;
}

/** Processes end while they are looked at, and those of others are none of ours. */
function quietly<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
