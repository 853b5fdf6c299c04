import {
  command,
  kernelParameters,
  type Launch,
  type LaunchOptions,
  mebibytes,
  pathOf,
  withoutComma,
} from './launch.ts';

/**
 * xhyve, and hyperkit, which is made of it: both open raw files. A slot is `NUMBER,DRIVER[,CONFIGURATION]`; what `-f kexec` has
 * behind kernel and initrd is the command line, commas and all.
 * https://github.com/machyve/xhyve, https://github.com/moby/hyperkit
 */
export function launchXhyve(program: 'xhyve' | 'hyperkit', options: LaunchOptions): Launch {
  const { disk, readOnly, cpus, kernel = '', initrd = '' } = options;
  const path = withoutComma(pathOf(disk, program), program);
  const files = [kernel, initrd].map((file) => withoutComma(file, program));
  const parameters = kernelParameters(options, 'earlyprintk=serial', 'console=ttyS0');
  return command(
    [program, '-A', '-m', `${mebibytes(options)}M`, '-c', String(cpus)],
    ['-s', '0:0,hostbridge', '-s', '31,lpc', '-l', 'com1,stdio'],
    ['-s', `4,virtio-blk,${path}${readOnly ? ',ro' : ''}`],
    ['-f', `kexec,${files.join(',')},${parameters}`],
  );
}
