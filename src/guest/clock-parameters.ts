import { ImageError } from '../core/errors.ts';
import { counterKilohertz } from '../core/guest/counter-frequency.ts';
import type { QemuMachine } from '../core/launch/qemu.ts';
import { readIfPresent } from '../sources/store/cache-directory.ts';
import type { Accelerator } from './accelerator.ts';

/**
 * What a kernel is told of its clock, besides `append`. A microvm that is emulated has no clock but the processor's counter, which counts
 * as this host's does. Its kernel would measure it by the timer of the machine, which fails on a busy host: then it waits for ever for a
 * tick. Throws `option-invalid`.
 */
export function clockParameters(machine: QemuMachine, accelerator: Accelerator, append: string): string[] {
  if (machine !== 'microvm' || accelerator === 'kvm' || /(?:^| )tsc_early_khz=/.test(append)) return [];
  const kilohertz = counterKilohertz(readIfPresent('/proc/cpuinfo')?.toString() ?? '');
  if (kilohertz !== undefined) return [`tsc_early_khz=${kilohertz}`, 'tsc=reliable'];
  throw new ImageError(
    'option-invalid',
    "an emulated microvm is to be told how fast this host's processor counts, which /proc/cpuinfo does not say: --append tsc_early_khz=KHZ tells it, and other machines need not be told",
  );
}
