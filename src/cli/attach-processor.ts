import { resolve } from 'node:path';
import { ImageError } from '../core/errors.ts';
import type { LaunchOptions } from '../core/launch/launch.ts';
import { QEMU_SYSTEMS, type QemuArchitecture } from '../core/launch/qemu.ts';
import { parsePlatform } from '../core/oci/platform.ts';
import { type Accelerator, canOpenKvm, chooseAccelerator } from '../guest/accelerator.ts';
import { hostArchitecture } from '../guest/boot-files.ts';
import { clockParameters } from '../guest/clock-parameters.ts';
import { findProgram } from '../process/find-program.ts';
import { cacheDirectoryOf, type ImageArguments } from './image-arguments.ts';

/** What of a command line decides the guest's processor. */
export interface ProcessorArguments extends ImageArguments {
  readonly vmm?: string;
  readonly kernel?: string;
  readonly program?: string;
  readonly append?: string;
  readonly accel: Accelerator | 'auto';
}

/** The VMMs that are QEMU, with a kernel of Linux. */
const LINUX_IN_QEMU: readonly (string | undefined)[] = ['qemu', 'microvm'];

/** The processor of a guest, which is that of the image; KVM is tried with the kernel where it may be there. Throws ImageError. */
export async function processorOf(
  options: ProcessorArguments,
): Promise<Pick<LaunchOptions, 'architecture' | 'accelerator' | 'clockParameters'>> {
  const architecture = architectureOf(options.platform);
  const accelerator = await acceleratorOf(options, architecture);
  const hasClock = options.vmm !== 'microvm' || options.kernel === undefined;
  return {
    architecture,
    accelerator,
    ...(!hasClock && { clockParameters: clockParameters('microvm', accelerator, options.append ?? '') }),
  };
}

function architectureOf(platform: string | undefined): QemuArchitecture {
  const architecture = platform === undefined ? hostArchitecture() : parsePlatform(platform).architecture;
  if (architecture === 'amd64' || architecture === 'arm64') return architecture;
  throw new ImageError('option-invalid', `guests are for amd64 or arm64, not for ${architecture ?? process.arch}`);
}

async function acceleratorOf(
  { vmm, kernel, accel, cache, quiet, program: given }: ProcessorArguments,
  architecture: QemuArchitecture,
): Promise<Accelerator> {
  if (accel !== 'auto') return accel;
  if (architecture !== hostArchitecture() || !canOpenKvm()) return 'tcg';
  const name = given ?? QEMU_SYSTEMS[architecture].program;
  const program = name.includes('/') ? name : findProgram(name);
  // What is not here, or no Linux, cannot be tried.
  if (program === undefined || kernel === undefined || !LINUX_IN_QEMU.includes(vmm)) return 'kvm';
  return chooseAccelerator({
    program,
    architecture,
    kernel,
    kernelName: resolve(kernel),
    cache: cacheDirectoryOf(cache),
    onWarning: (warning) => {
      if (quiet !== true) console.error(`blockloom: warning: ${warning}`);
    },
  });
}
