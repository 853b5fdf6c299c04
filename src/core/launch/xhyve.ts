import { ImageError } from '../errors.ts';
import {
  command,
  kernelParameters,
  type Launch,
  type LaunchOptions,
  mebibytes,
  pathOf,
  withoutComma,
} from './launch.ts';

/** The slot of the first disk; the one behind the last is the LPC bridge's. */
const FIRST_SLOT = 4;
const DISKS_MAX = 31 - FIRST_SLOT;

/**
 * xhyve, and hyperkit, which is made of it: both open raw files. A slot is `NUMBER,DRIVER[,CONFIGURATION]`; what `-f kexec` has
 * behind kernel and initrd is the command line, commas and all.
 * https://github.com/machyve/xhyve, https://github.com/moby/hyperkit
 */
export function launchXhyve(program: 'xhyve' | 'hyperkit', options: LaunchOptions): Launch {
  const { disks, readOnly, cpus, kernel = '', initrd = '', vmmWords = [] } = options;
  const paths = disks.map(({ disk }) => withoutComma(pathOf(disk, program), program));
  if (paths.length > DISKS_MAX) {
    throw new ImageError('option-invalid', `${program} has slots for ${DISKS_MAX} disks, not for ${paths.length}`);
  }
  const files = [kernel, initrd].map((file) => withoutComma(file, program));
  const parameters = kernelParameters(options, 'earlyprintk=serial', 'console=ttyS0');
  return command(
    [program, '-A', '-m', `${mebibytes(options)}M`, '-c', String(cpus)],
    ['-s', '0:0,hostbridge', '-s', '31,lpc', '-l', 'com1,stdio'],
    paths.flatMap((path, i) => ['-s', `${FIRST_SLOT + i},virtio-blk,${path}${readOnly ? ',ro' : ''}`]),
    ['-f', `kexec,${files.join(',')},${parameters}`],
    vmmWords,
  );
}
