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
 * crosvm puts its console into the kernel's command line itself.
 * https://crosvm.dev/book/devices/block.html, https://crosvm.dev/book/devices/vhost_user.html
 */
export function launchCrosvm(options: LaunchOptions): Launch {
  const { cpus, kernel, initrd } = options;
  return command(
    ['crosvm', 'run', '--cpus', String(cpus), '--mem', String(mebibytes(options))],
    disk(options),
    option('--initrd', initrd),
    ['--params', kernelParameters(options)],
    kernel === undefined ? [] : [kernel],
  );
}

function disk({ disk: given, readOnly, name }: LaunchOptions): string[] {
  if (given.as === 'vhost-user') return ['--vhost-user', `block,socket=${withoutComma(given.socket, 'crosvm')}`];
  const path = withoutComma(pathOf(given, 'crosvm'), 'crosvm');
  return ['--block', `${path}${readOnly ? ',ro' : ''},id=${name}`];
}
