import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { chooseAccelerator } from '../../src/guest/accelerator.ts';
import { type BootKernel, findBootKernel, findBusybox } from '../../src/guest/boot-files.ts';
import { requireProgram } from '../../src/process/find-program.ts';
import { readModules } from '../../src/guest/module-files.ts';
import { QEMU_SYSTEMS } from '../../src/core/launch/qemu.ts';
import type { FileTree } from '../../src/core/guest/file-tree.ts';
import { host } from '../host.ts';
import { type Size, usrInput, workFolder } from '../input.ts';
import { markdown, median } from '../statistics.ts';
import { rotated } from '../turns.ts';
import { type Contender, CONTENDERS } from './contenders.ts';
import { type GuestTimes, measureGuest, WORKLOADS } from './measured-guest.ts';

/** How guests are measured. */
export interface GuestBenchOptions {
  readonly size: Size;
  readonly rounds: number;
  /** The file of a kernel; default: the newest of this host. */
  readonly kernel: string | undefined;
  readonly accelerator: 'auto' | 'kvm' | 'tcg';
}

const NO_FILES: FileTree = {
  names: () => undefined,
  size: () => undefined,
  read: () => {
    throw new Error('there are no files');
  },
};

/** Prints what guests take to boot and to read the same tree, by how they have it: medians in milliseconds. */
export async function benchGuest({
  size,
  rounds,
  kernel: named,
  accelerator: how,
}: GuestBenchOptions): Promise<unknown> {
  const folder = join(workFolder(), 'guest');
  mkdirSync(folder, { recursive: true });
  const input = await usrInput(size);
  const kernel = findBootKernel({ kernel: named }, NO_FILES, 'amd64');
  const accelerator = how === 'auto' ? await accelerated(kernel) : how;
  const contenders = CONTENDERS.filter((contender) => lacks(contender, kernel).length === 0);
  for (const contender of CONTENDERS) {
    const missing = lacks(contender, kernel);
    if (missing.length > 0) console.log(`${contender.name}: left out, ${kernel.name} has no ${missing.join(', ')}\n`);
  }
  const measured = new Map<string, GuestTimes[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contender of rotated(contenders, round)) {
      const { disks, args = [], stop } = await contender.start(folder, input);
      try {
        const modules =
          kernel.modules === undefined ? [] : await readModules(kernel.modules, ['virtio_pci', ...contender.modules]);
        const parts = { kernel: kernel.path ?? '', busybox: findBusybox({}, NO_FILES, 'amd64'), modules, accelerator };
        const times = await measureGuest(folder, { ...parts, mount: contender.mount, disks, args });
        measured.get(contender.name)?.push(times);
      } finally {
        await stop();
      }
    }
  }
  rmSync(folder, { recursive: true, force: true });
  const about = `${input.entries} files, ${(input.bytes / 1e6).toFixed(0)} MB, ${accelerator}, ${kernel.name}`;
  console.log(`${about}: milliseconds, medians of ${rounds}\n\n${table(measured)}`);
  return { host: host(), about, measured: Object.fromEntries(measured) };
}

/** What a contender needs and the kernel does not have. */
function lacks({ modules }: Contender, { modules: folder }: BootKernel): string[] {
  if (folder === undefined) return [];
  const { paths, builtIn } = folder.index;
  return modules.filter((name) => name !== 'crc32c_generic' && !paths.has(name) && builtIn?.has(name) !== true);
}

async function accelerated({ path = '', name }: BootKernel): Promise<'kvm' | 'tcg'> {
  const { program, debian } = QEMU_SYSTEMS.amd64;
  const trial = {
    program: requireProgram(program, debian),
    architecture: 'amd64',
    kernel: path,
    kernelName: name,
  } as const;
  return chooseAccelerator({ ...trial, cache: undefined, onWarning: console.warn });
}

function table(measured: ReadonlyMap<string, readonly GuestTimes[]>): string {
  const figures: Record<string, (times: GuestTimes) => number> = {
    'boot, mount, a file': ({ boot }) => boot,
    mount: ({ mount }) => mount,
    ...Object.fromEntries(
      Object.keys(WORKLOADS).map((name) => [name, ({ workloads }: GuestTimes) => workloads[name] ?? Number.NaN]),
    ),
  };
  const rows = Object.entries(figures).map(([name, figure]) => [
    name,
    ...Array.from(measured.values(), (all) => median(all.map(figure)).toFixed(0)),
  ]);
  return markdown(['', ...measured.keys()], rows);
}
