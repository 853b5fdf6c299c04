import {
  command,
  kernelParameters,
  type Launch,
  type LaunchOptions,
  mebibytes,
  option,
  pathOf,
  withoutComma,
} from './launch.ts';

/**
 * kvmtool: what is behind a comma of `-d` is `ro`, or not heeded. It puts its console into the kernel's command line itself.
 * https://git.kernel.org/pub/scm/linux/kernel/git/will/kvmtool.git, builtin-run.c and disk/core.c
 */
export function launchKvmtool(options: LaunchOptions): Launch {
  const { disks, readOnly, cpus, kernel, initrd, vmmWords = [] } = options;
  const paths = disks.map(({ disk }) => withoutComma(pathOf(disk, 'kvmtool'), 'kvmtool'));
  return command(
    ['lkvm', 'run'],
    option('-k', kernel),
    option('-i', initrd),
    ['-c', String(cpus), '-m', String(mebibytes(options))],
    paths.flatMap((path) => ['-d', `${path}${readOnly ? ',ro' : ''}`]),
    ['-p', kernelParameters(options)],
    vmmWords,
  );
}
